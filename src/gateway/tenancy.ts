import { OperatorKeys } from '../operators/operator-keys.js'
import { LiveCredentials } from '../server/live-credentials.js'
import { OutsideIssuer } from '../tenants/outside-issuer.js'
import { Policies } from '../tenants/policy.js'
import { Quotas } from '../tenants/quotas.js'
import { Rates } from '../tenants/rates.js'
import { settingsOf } from '../tenants/settings.js'
import { Subscriptions } from '../tenants/subscriptions.js'
import { TenantStore } from '../tenants/tenant-store.js'
import { TokenKeys } from '../tenants/token-keys.js'
import { Tokens } from '../tenants/tokens.js'
import { Vault } from '../tenants/vault.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'

export type Tenancy = Awaited<ReturnType<typeof makeTenancy>>

/** Who there is and what each may: tenants, their keys and tokens, operators, policies and limits. */
export async function makeTenancy(
  {
    config,
    secrets,
    logger,
    profiles,
    places,
    self,
    bus,
    counters,
    openCounts,
    freshFor,
    mark,
    metrics,
    fetch,
  }: Foundation,
  { baseJournal }: Events,
) {
  const policies = Policies.create(config.defaultPolicy)
  const tenants = new TenantStore(profiles.base, baseJournal, freshFor, (id) => bus.publish('tenant', { id }))
  tenants.onRead = (id, tenant) => {
    const chosen = tenant?.settings['logLevel'] !== undefined
    logger.setTenantLevel(id, chosen ? settingsOf(tenant).logLevel : null)
  }
  const tokenKeys = await TokenKeys.create(secrets.jwtSecrets, secrets.jwtSigningKeys)
  const tokens = new Tokens(tokenKeys, tenants)
  const operators = new OperatorKeys(profiles.base, secrets, freshFor, (id) => bus.publish('operator', { id }))
  const vault = new Vault(places, tenants, profiles.base, {
    self,
    storesMax: config.storesMax,
    storeIdleMs: config.sessionIdleMs,
    idleMsOf: (tenant) => settingsOf(tenant).idleTimeout * 1000,
    mark,
  })
  profiles.locate = vault.locate
  const countRefused = (limit: string, tenantId: string) => metrics.countRefused(limit, tenantId)
  const quotas = new Quotas(policies, countRefused)
  return {
    policies,
    tenants,
    tokenKeys,
    tokens,
    operators,
    vault,
    live: new LiveCredentials(tokens, tenants, operators),
    quotas,
    subscriptions: new Subscriptions(openCounts, tenants, policies, quotas),
    rates: new Rates(counters, tenants, policies, countRefused),
    outsideIssuer: OutsideIssuer.of(config, fetch, tenants),
  }
}
