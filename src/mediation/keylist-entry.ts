import type { Entry, Tags } from '../storage/entry.js'

/** Keys that mediators know of, or are to know of, in the wallet whose mediators they are. */
export const KEYLIST = '_keylist'
/** Updates under way, by the id of their grant. */
export const UPDATES = '_keylist-update'

/** `ADDING` and `REMOVING` wait for the mediator's word; `REFUSED` is what it does not take. */
export type KeyState = 'ADDING' | 'REGISTERED' | 'REMOVING' | 'REFUSED'

/** One key (base58) at one mediator. */
export interface KeylistKey {
  grantId: string
  key: string
  /** Whose key it is. */
  tenantId: string
  state: KeyState
}

/** What one mediator was told last, and has not answered yet. At most one for each. */
export interface KeylistUpdate {
  threadId: string
  connectionId: string
  /** Milliseconds since the epoch. */
  at: number
}

export const keyName = (grantId: string, key: string) => `${grantId}/${key}`

const isOpen = (state: KeyState) => state === 'ADDING' || state === 'REMOVING'

export const keyOf = ({ value }: Entry) => JSON.parse(value) as KeylistKey

export function keyEntry(key: KeylistKey): Entry {
  const tags: Tags = { grant: key.grantId, tenant: key.tenantId, ...(isOpen(key.state) ? { open: key.grantId } : {}) }
  return { category: KEYLIST, name: keyName(key.grantId, key.key), value: JSON.stringify(key), tags }
}

export function updateEntry(grantId: string, update: KeylistUpdate): Entry {
  return { category: UPDATES, name: grantId, value: JSON.stringify(update), tags: {} }
}
