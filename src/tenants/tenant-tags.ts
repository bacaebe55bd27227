import type { TagQuery, Tags } from '../storage/entry.js'
import type { KeyMode, TenantProfile, TenantState } from './tenant.js'

/** Which tenants are meant; all conditions hold. A name is found by the entry that holds it. */
export interface TenantConditions {
  label?: string
  groupId?: string
  state?: TenantState
  keyMode?: KeyMode
}

/** What nearly every tenant is, and what others are. */
const USUAL = { state: 'ACTIVE', keyMode: 'MANAGED' } as const
const OTHERS = { state: ['LOCKED', 'SUSPENDED', 'DELETING'], keyMode: ['UNMANAGED'] } as const

/**
 * What a tenant is found by. A tag is a statement of its own at each write, so what is usual has none. Before format 5 it had,
 * and so had the name.
 */
export function tenantTags({ label, groupId, state, keyMode }: TenantProfile): Tags {
  return {
    label,
    ...(groupId === null ? {} : { groupId }),
    ...(state === USUAL.state ? {} : { state }),
    ...(keyMode === USUAL.keyMode ? {} : { keyMode }),
  }
}

/** What finds tenants by these tags, whichever version wrote them. */
export function tenantQuery({ state, keyMode, ...conditions }: TenantConditions): TagQuery {
  const usual = [
    ...(state === USUAL.state ? [{ state: { $in: [...OTHERS.state] } }] : []),
    ...(keyMode === USUAL.keyMode ? [{ keyMode: { $in: [...OTHERS.keyMode] } }] : []),
  ]
  return {
    ...conditions,
    ...(state === undefined || state === USUAL.state ? {} : { state }),
    ...(keyMode === undefined || keyMode === USUAL.keyMode ? {} : { keyMode }),
    ...(usual.length === 0 ? {} : { $not: { $or: usual } }),
  }
}
