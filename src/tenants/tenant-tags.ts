import type { TagQuery, Tags } from '../storage/entry.js'
import type { KeyMode, TenantProfile, TenantState } from './tenant.js'

/** Which tenants are meant; all conditions hold. A name is found by the entry that holds it. */
export interface TenantConditions {
  label?: string
  groupId?: string
  state?: TenantState
  keyMode?: KeyMode
}

/** What tenants are that are not ACTIVE, or not MANAGED, as nearly all of them are. */
const UNUSUAL = {
  state: { LOCKED: true, SUSPENDED: true, DELETING: true } satisfies Record<Exclude<TenantState, 'ACTIVE'>, true>,
  keyMode: { UNMANAGED: true } satisfies Record<Exclude<KeyMode, 'MANAGED'>, true>,
}

/**
 * What a tenant is found by. A tag is a statement of its own at each write, so what is usual has none. Before format 5 it had,
 * and so had the name.
 */
export function tenantTags({ label, groupId, state, keyMode }: TenantProfile): Tags {
  return {
    label,
    ...(groupId === null ? {} : { groupId }),
    ...(Object.hasOwn(UNUSUAL.state, state) ? { state } : {}),
    ...(Object.hasOwn(UNUSUAL.keyMode, keyMode) ? { keyMode } : {}),
  }
}

/** What finds tenants by these tags, whichever version wrote them. */
export function tenantQuery(conditions: TenantConditions): TagQuery {
  const parts = Object.entries(conditions).map(([name, value]): TagQuery => {
    const unusual = UNUSUAL[name as keyof typeof UNUSUAL] as object | undefined
    return !unusual || Object.hasOwn(unusual, value)
      ? { [name]: value }
      : { $not: { [name]: { $in: Object.keys(unusual) } } }
  })
  return parts.length === 0 ? {} : { $and: parts }
}
