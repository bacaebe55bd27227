import { newId } from '../lib/ids.js'
import type { Tags } from '../storage/entry.js'
import { placeInList } from '../storage/list.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Unit } from '../storage/unit.js'
import { currentActing } from './acting.js'

export const AUDIT_CATEGORY = '_audit'
export const AUDIT_LIST = 'audit'

export const auditActions = [
  'TENANT_CREATED',
  'TENANT_UPDATED',
  'TENANT_SUSPENDED',
  'TENANT_RESUMED',
  'TENANT_DELETED',
  'TENANT_EXPORT_ORDERED',
  'TENANT_EXPORTED',
  'TENANT_IMPORT_ORDERED',
  'TENANT_IMPORTED',
  'TOKEN_CREATED',
  'TOKEN_REVOKED',
  'WALLET_LOCKED',
  'WALLET_UNLOCKED',
  'WALLET_KEY_ROTATED',
  'WALLET_MOVED',
  'MEDIATOR_CONNECTED',
  'MEDIATOR_CHOSEN',
  'MEDIATOR_SYNCED',
  'OPERATOR_KEY_CREATED',
  'OPERATOR_KEY_REVOKED',
  'OPERATION_REFUSED',
  'CREDENTIALS_REFUSED',
] as const
export type AuditAction = (typeof auditActions)[number]

/** What an entry tells beside who, what, when and where: ids and names of the schema, never what a client wrote. */
export interface AuditDetails {
  /** Names of the fields that changed; keys of settings and policy after a dot. */
  changed?: string[]
  tokenId?: string
  /** Tokens that ended with it: of a new primary token the old one. */
  endedTokenIds?: string[]
  operatorKeyId?: string
  /** Null where none was chosen. */
  mediatorId?: string | null
  scopes?: readonly string[]
  /** Before and after, by the schema's names. */
  from?: string
  to?: string
  /** The operation that was refused, and with which code. */
  operation?: string
  code?: string
  /** Which archive it was made into, or of, and how many messages that waited went along. */
  archiveId?: string
  queuedMessages?: number
  /** How many there were, where an entry stands for several. */
  count?: number
}

export type ActorRole = 'OPERATOR' | 'TENANT' | 'GATEWAY' | 'ANONYMOUS'

export interface AuditEntry {
  id: string
  at: string
  action: AuditAction
  tenantId: string | null
  /** An operator key's id, a token's, or whom an outside issuer's token names; null for the gateway itself, and for
   * whoever had none of them. */
  actor: { role: ActorRole; id: string | null }
  /** The address that it was asked from. */
  origin: string | null
  details: AuditDetails
}

export interface Audited {
  action: AuditAction
  tenantId: string | null
  details?: AuditDetails
}

/**
 * Writes down who does what to which tenant, in the transaction of what is done. For units of the base wallet only: the
 * audit log lies there, and outlives the tenants that it tells of.
 */
export function audit(unit: Unit, { action, tenantId, details = {} }: Audited): void {
  if (unit.profile !== BASE_PROFILE) throw new Error('The audit log lies in the base wallet')
  const place = placeInList(unit.head, AUDIT_LIST, Date.now())
  const { actor, origin } = currentActor()
  const at = new Date(place.createdAt).toISOString()
  const entry: AuditEntry = { id: newId(), at, action, tenantId, actor, origin, details }
  const tags: Tags = {
    ...place.tags,
    action,
    ...(tenantId === null ? {} : { tenant: tenantId }),
    ...(actor.id === null ? {} : { actor: actor.id }),
  }
  unit.append({ category: AUDIT_CATEGORY, name: entry.id, value: JSON.stringify(entry), tags })
}

function currentActor(): Pick<AuditEntry, 'actor' | 'origin'> {
  const acting = currentActing()
  if (!acting) return { actor: { role: 'GATEWAY', id: null }, origin: null }
  const { viewer, origin } = acting
  if (viewer.role === 'TENANT')
    return { actor: { role: 'TENANT', id: viewer.tokenId ?? viewer.subject ?? null }, origin }
  if (viewer.role === 'OPERATOR') return { actor: { role: 'OPERATOR', id: viewer.operatorKey.keyId }, origin }
  return { actor: { role: 'ANONYMOUS', id: null }, origin }
}
