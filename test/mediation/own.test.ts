import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keyOfDid } from '../../bench/peer.js'
import { runCli } from '../support/cli.js'
import { ApiClient, connect, makeTenant } from '../support/client.js'
import { freshStore, OPERATOR_KEY, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { TestMediator } from '../support/mediator.js'
import { eventually, invite, receive, say } from '../support/talk.js'
import { choose, defaultOf, serviceOf } from './mediation-api.js'

describe('mediators of tenants and of the base wallet', () => {
  let store: TestStore
  let gateway: TestGateway
  let front: TestMediator
  let mediator: TestMediator
  let third: TestMediator
  before(async () => {
    ;[front, mediator, third] = (await Promise.all([1, 2, 3].map(() => TestMediator.start()))) as [
      TestMediator,
      TestMediator,
      TestMediator,
    ]
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
  })
  after(async () => {
    await gateway?.stop()
    await Promise.all([front, mediator, third].map((one) => one?.remove()))
    await store?.remove()
  })

  test("a tenant's own forwards to it alone, and knows its keys", async () => {
    const [alice, bob] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
    const tap = await alice.client.follow({ topics: ['MEDIATION'] })
    const grant = await choose(alice.client, front.invitation)
    const told = await tap.find(({ topic }) => topic === 'MEDIATION')
    assert.equal(told.__typename, 'MediationEvent')
    await tap.close()
    assert.equal(grant.endpoint, front.url)
    const { message } = await invite(alice)
    assert.equal(serviceOf(message).serviceEndpoint, front.url)
    assert.ok((await front.told()).keys.includes(keyOfDid(serviceOf(message).recipientKeys[0] ?? '')))
    assert.equal(serviceOf((await invite(bob)).message).serviceEndpoint, `${gateway.url}/didcomm`)
    const connection = await connect(alice, bob)
    const listening = await alice.client.follow()
    await say(bob.client, connection.invitee, 'by her mediator')
    await listening.find((event) => event.message?.content === 'by her mediator')
    await listening.close()
  })

  test('a public DID names it, and whoever connects by that comes by it, until that is taken away', async () => {
    const [grace, heidi] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
    await choose(grace.client, front.invitation)
    const { createDid } = await grace.client.ask(
      'mutation { createDid(input: {method: "webvh", options: {didcomm: true}}) { did { did document } } }',
    )
    const { did, document } = createDid.did
    const [service] = document.service
    assert.equal(service.serviceEndpoint, front.url)
    assert.ok(service.routingKeys.length > 0)
    const key = keyOfDid(`did:key:${service.recipientKeys[0].split('#')[1]}`)
    assert.ok((await front.told()).keys.includes(key))
    const before = (await front.told()).forwards
    const { createInvitation } = await grace.client.ask(
      'mutation($did: String!) { createInvitation(input: {did: $did}) { invitation { message } } }',
      { did },
    )
    const { message } = createInvitation.invitation
    const tap = await grace.client.follow()
    await receive(heidi, message)
    await tap.find(({ connection }) => connection?.state === 'COMPLETED')
    await tap.close()
    assert.ok((await front.told()).forwards > before)
    await grace.client.ask(
      'mutation($did: String!) { updateDid(input: {did: $did, didcomm: false}) { did { did } } }',
      { did },
    )
    await eventually(async () => !(await front.told()).keys.includes(key))
  })

  test("behind the base wallet's, a message takes both", async () => {
    const operator = ApiClient.operator(gateway.url)
    await choose(operator, mediator.invitation)
    const [carol, dave] = [await makeTenant(gateway.url), await makeTenant(gateway.url)]
    await choose(carol.client, third.invitation)
    const service = serviceOf((await invite(carol)).message)
    assert.equal(service.routingKeys.length, 2)
    const connection = await connect(carol, dave)
    const before = [(await mediator.told()).forwards, (await third.told()).forwards] as const
    const listening = await carol.client.follow()
    await say(dave.client, connection.invitee, 'by both')
    await listening.find((event) => event.message?.content === 'by both')
    await listening.close()
    const now = [(await mediator.told()).forwards, (await third.told()).forwards] as const
    assert.ok(now[0] > before[0] && now[1] > before[1], 'one of them was gone around')
  })

  test("a tenant's own mediator forgets its keys when it goes", async () => {
    const frank = await makeTenant(gateway.url)
    const before = (await front.told()).keys
    await choose(frank.client, front.invitation)
    await invite(frank)
    assert.ok((await front.told()).keys.length > before.length)
    await ApiClient.operator(gateway.url).ask(
      'mutation($tenantId: ID!) { deleteTenant(input: {tenantId: $tenantId}) { deletedTenantId } }',
      { tenantId: frank.id },
    )
    await eventually(async () => (await front.told()).keys.length === before.length)
  })

  test('keys are withdrawn with their invitation, and with their tenant', async () => {
    const erin = await makeTenant(gateway.url)
    const { id, message } = await invite(erin)
    const key = keyOfDid(serviceOf(message).recipientKeys[0] ?? '')
    assert.ok((await mediator.told()).keys.includes(key))
    const kept = keyOfDid(serviceOf((await invite(erin)).message).recipientKeys[0] ?? '')
    await erin.client.ask('mutation($id: ID!) { deleteInvitation(invitationId: $id) { deletedId } }', { id })
    await eventually(async () => !(await mediator.told()).keys.includes(key))
    assert.ok((await mediator.told()).keys.includes(kept))
    await ApiClient.operator(gateway.url).ask(
      'mutation($tenantId: ID!) { deleteTenant(input: {tenantId: $tenantId}) { deletedTenantId } }',
      { tenantId: erin.id },
    )
    await eventually(async () => !(await mediator.told()).keys.includes(kept))
  })

  test('tenantry mediation sync tells a mediator anew what it has lost', async () => {
    const operator = ApiClient.operator(gateway.url)
    assert.ok(await defaultOf(operator))
    const before = new Set((await mediator.told()).keys)
    assert.ok(before.size > 0)
    await mediator.forget()
    assert.deepEqual((await mediator.told()).keys, [])
    const { code, stdout, stderr } = await runCli(['mediation', 'sync', '--url', gateway.url], { OPERATOR_KEY })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /knows \d+ keys/)
    assert.deepEqual(new Set((await mediator.told()).keys), before)
  })
})
