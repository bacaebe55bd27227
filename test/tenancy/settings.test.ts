import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, invite } from '../support/talk.js'

const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { settings policy } } }'
const CREATE = 'mutation($input: CreateTenantInput!) { createTenant(input: $input) { tenant { settings policy } } }'
const OWN = '{ viewer { tenant { settings policy } } }'

for (const kind of STORES) {
  describe(`settings and policy on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      acme = await makeTenant(gateway.url, { settings: { idleTimeout: 60 }, policy: { maxConnections: 5 } })
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    const update = (client: ApiClient, input: object) => client.send(UPDATE, { input: { tenantId: acme.id, ...input } })

    test('are chosen at creation, and shown with the defaults of all others', async () => {
      const { settings, policy } = (await acme.client.ask(OWN)).viewer.tenant
      assert.equal(settings.idleTimeout, 60)
      assert.equal(settings.autoAcceptCredentials, 'CONTENT_APPROVED')
      assert.equal(policy.maxConnections, 5)
      assert.equal(policy.queueMaxMessages, 100_000)
      assert.equal(policy.maxStorageBytes, null)
    })

    test('merge by key, and a null key goes back to its default', async () => {
      await update(operator, { settings: { logLevel: 'warn' }, policy: { maxStorageBytes: 1000 } })
      await update(operator, { settings: { idleTimeout: 90 }, policy: { maxConnections: null } })
      const { settings, policy } = (await acme.client.ask(OWN)).viewer.tenant
      assert.deepEqual([settings.logLevel, settings.idleTimeout], ['warn', 90])
      assert.deepEqual([policy.maxStorageBytes, policy.maxConnections], [1000, null])
      await update(operator, { settings: { logLevel: null, idleTimeout: null }, policy: { maxStorageBytes: null } })
      const again = (await acme.client.ask(OWN)).viewer.tenant
      assert.deepEqual([again.settings.logLevel, again.settings.idleTimeout], [null, 600])
      assert.equal(again.policy.maxStorageBytes, null)
    })

    test('refuse what they do not know, by the key at fault, and change nothing then', async () => {
      const before = await acme.client.ask(OWN)
      const secret = uniqueName('secret')
      for (const [input, field] of [
        [{ settings: { [secret]: 1 } }, 'input.settings'],
        [{ settings: { constructor: 1 } }, 'input.settings'],
        [{ settings: [] }, 'input.settings'],
        [{ settings: 'x' }, 'input.settings'],
        [{ settings: { idleTimeout: secret } }, 'input.settings.idleTimeout'],
        [{ settings: { idleTimeout: 1.5, logLevel: 'info' } }, 'input.settings.idleTimeout'],
        [{ settings: { invitationImageUrl: 'javascript:alert(1)' } }, 'input.settings.invitationImageUrl'],
        [{ settings: { logLevel: 'info' }, policy: { queueMaxAge: 0 } }, 'input.policy.queueMaxAge'],
        [{ policy: { disabledFeatures: ['MESSAGES', 'x'] } }, 'input.policy.disabledFeatures'],
      ] as [object, string][]) {
        const { errors } = await update(operator, input)
        assert.deepEqual([errors?.[0]?.extensions.code, errors?.[0]?.extensions.field], ['BAD_USER_INPUT', field])
        assert.ok(!errors?.[0]?.message.includes(secret), 'what was given is not repeated')
        const created = await operator.send(CREATE, { input: { name: uniqueName('none'), ...input } })
        assert.equal(created.errors?.[0]?.extensions.field, field)
      }
      assert.deepEqual(await acme.client.ask(OWN), before)
    })

    test('settings are the tenant’s as well, policy is the operator’s alone', async () => {
      const set = await update(acme.client, { settings: { autoAcceptProofs: 'NEVER' } })
      assert.equal(set.errors, undefined)
      const refused = await update(acme.client, { policy: { maxConnections: 1000 } })
      assert.equal(refused.errors?.[0]?.extensions.code, 'FORBIDDEN')
    })

    if (kind === 'postgres')
      test('apply at once on every instance', async () => {
        const other = await startGateway(store)
        try {
          const there = { ...acme, client: acme.client.at(other.url) }
          await invite(there)
          await update(operator, { settings: { invitationLabel: 'Front desk' } })
          await eventually(
            async () => ((await invite(there)).message as { label: string }).label === 'Front desk',
            2000,
          )
          await update(operator, { settings: { invitationLabel: null } })
        } finally {
          await other.stop()
        }
      })

    test('invitations have the label, the picture and the acceptance that the tenant has set', async () => {
      const settings = { invitationLabel: 'Desk', invitationImageUrl: 'https://example.org/x.png' }
      await update(acme.client, { settings: { ...settings, autoAcceptConnections: false } })
      const { message } = (await invite(acme)) as { message: Record<string, unknown> }
      assert.deepEqual([message['label'], message['imageUrl']], ['Desk', 'https://example.org/x.png'])
      const { createInvitation } = await acme.client.ask(
        'mutation { createInvitation(input: {autoAccept: null}) { invitation { message } } }',
      )
      const globex = await makeTenant(gateway.url)
      await globex.client.ask(
        'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }',
        { message: createInvitation.invitation.message },
      )
      await eventually(async () => {
        const { connections } = await acme.client.ask('{ connections { nodes { state } } }')
        return connections.nodes[0]?.state === 'REQUEST_RECEIVED'
      })
    })
  })
}
