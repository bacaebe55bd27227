import type { WalletOwner } from '../agent/ports.js'
import { type GatewayError, quotaExceeded } from '../lib/errors.js'
import type { Unit } from '../storage/unit.js'
import type { Policies } from './policy.js'

/** The keys of a policy that bound how much a tenant has. */
export type Quota = 'maxConnections' | 'maxStorageBytes' | 'maxSubscriptions'

/** Holds tenants to how much they may have. What is in a wallet is counted in the unit that adds to it. */
export class Quotas {
  constructor(
    private readonly policies: Policies,
    /** Called where something is refused. */
    private readonly refused: (quota: Quota, tenantId: string) => void,
  ) {}

  /** To be called in the unit that has just added a connection. @throws QUOTA_EXCEEDED */
  async assertConnections(unit: Unit, { tenantId, settings }: WalletOwner): Promise<void> {
    const { maxConnections } = this.policies.of(settings)
    if (maxConnections === null || (await unit.count('ConnectionRecord')) <= maxConnections) return
    throw this.refusal('maxConnections', tenantId, 'There are as many connections as may be. Delete some first.')
  }

  /** To be called at the end of a unit: what makes a wallet smaller always may. @throws QUOTA_EXCEEDED */
  assertStorage(unit: Unit, { tenantId, settings }: WalletOwner): void {
    const { maxStorageBytes } = this.policies.of(settings)
    const { growth, base } = unit
    if (maxStorageBytes === null || growth <= 0 || base.bytes === undefined) return
    if (base.bytes + growth <= maxStorageBytes) return
    throw this.refusal('maxStorageBytes', tenantId, 'The wallet is full. Delete something first.')
  }

  refusal(quota: Quota, tenantId: string, message: string): GatewayError {
    this.refused(quota, tenantId)
    return quotaExceeded(message)
  }
}
