import { type AuditAction, audit } from '../audit/audit.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Unit } from '../storage/unit.js'

/** Writes down what is done with the base wallet's mediators, by which all tenants are reached; a tenant's own are its own. */
export function auditMediator(
  unit: Unit,
  action: Extract<AuditAction, `MEDIATOR_${string}`>,
  mediatorId: string | null,
): void {
  if (unit.profile === BASE_PROFILE) audit(unit, { action, tenantId: null, details: { mediatorId } })
}
