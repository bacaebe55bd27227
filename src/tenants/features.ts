import { type Feature, isOff } from '../agent/features.js'
import { forbidden } from '../lib/errors.js'
import type { TenantStore } from './tenant-store.js'

/** What tenants may use. */
export class Features {
  constructor(private readonly tenants: TenantStore) {}

  /** @throws FORBIDDEN where the operator has switched the feature off for this tenant */
  async assertOn(tenantId: string, feature: Feature): Promise<void> {
    const tenant = await this.tenants.find(tenantId)
    if (tenant && isOff(tenant, feature)) throw forbidden(`The operator has switched ${feature} off for this tenant.`)
  }
}
