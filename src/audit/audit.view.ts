import type { Rule } from '../graphql/access.js'
import type { Viewer } from '../graphql/viewer.js'
import type { AuditEntry } from './audit.js'
import type { AuditQuery } from './audit-log.js'

/** Who may read the audit log. */
export const AUDIT_READERS = { operator: 'READ', tenant: 'MANAGE' } as const satisfies Rule

/** What a viewer may ask for: a tenant only what is about itself. Nothing where that leaves nothing. */
export function queryFor(viewer: Viewer, query: AuditQuery): AuditQuery | undefined {
  if (viewer.role !== 'TENANT') return query
  if (query.tenantId != null && query.tenantId !== viewer.tenantId) return undefined
  return { ...query, tenantId: viewer.tenantId }
}

/** An entry as a viewer may see it: where an operator sits is no tenant's business. */
export function entryFor(viewer: Viewer, entry: AuditEntry): AuditEntry {
  return viewer.role === 'TENANT' && entry.actor.role !== 'TENANT' ? { ...entry, origin: null } : entry
}
