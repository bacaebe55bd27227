import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, makeTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'

const OWN = '{ viewer { tenant { policy } } }'

describe('the policy of all tenants', () => {
  let store: TestStore
  let gateway: TestGateway

  before(async () => {
    store = await freshStore('sqlite')
    const DEFAULT_POLICY = JSON.stringify({
      mutationsPerMinute: 0,
      maxConnections: 7,
      queueMaxMessages: 50,
      disabledFeatures: ['MESSAGES'],
    })
    gateway = await startGateway(store, { DEFAULT_POLICY })
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  test('stands where a tenant’s own says nothing, and is enforced', async () => {
    const tenant = await makeTenant(gateway.url, { policy: { maxConnections: 100 } })
    const { policy } = (await tenant.client.ask(OWN)).viewer.tenant
    assert.deepEqual([policy.maxConnections, policy.queueMaxMessages, policy.requestsPerMinute], [100, 50, null])
    const make = 'mutation { createInvitation(input: {}) { invitation { id } } }'
    assert.equal(await tenant.client.codeOf(make), 'RATE_LIMITED')
    assert.equal(await tenant.client.codeOf('{ basicMessages { nodes { id } } }'), 'FORBIDDEN')
    const update = (changes: object) =>
      ApiClient.operator(gateway.url).ask(
        'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { policy } } }',
        { input: { tenantId: tenant.id, policy: changes } },
      )
    await update({ mutationsPerMinute: 5 })
    assert.equal((await tenant.client.send(make)).errors, undefined)
    const { updateTenant } = await update({ maxConnections: null, mutationsPerMinute: null })
    assert.deepEqual([updateTenant.tenant.policy.maxConnections, updateTenant.tenant.policy.mutationsPerMinute], [7, 0])
    assert.equal(await tenant.client.codeOf(make), 'RATE_LIMITED')
  })
})
