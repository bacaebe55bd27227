import { type Feature, isOff } from '../agent/features.js'
import { forbidden } from '../lib/errors.js'
import type { Policies } from './policy.js'
import type { TenantStore } from './tenant-store.js'

/** What tenants may use. */
export class Features {
  constructor(
    private readonly tenants: TenantStore,
    private readonly policies: Policies,
  ) {}

  /** @throws FORBIDDEN where the operator has switched the feature off for this tenant */
  async assertOn(tenantId: string, feature: Feature): Promise<void> {
    const tenant = await this.tenants.find(tenantId)
    if (tenant && isOff({ policy: this.policies.of(tenant) }, feature))
      throw forbidden(`The operator has switched ${feature} off for this tenant.`)
  }
}
