import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { Front } from '../support/front.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually, say } from '../support/talk.js'

const MESSAGES = '{ basicMessages { nodes { content role } } }'

for (const kind of STORES) {
  describe(`messages between tenants of one gateway, on ${kind}`, () => {
    let front: Front
    let store: TestStore
    let env: Record<string, string>
    let gateway: TestGateway
    let operator: ApiClient
    let acme: TestTenant
    let globex: TestTenant
    let connectionId: string

    before(async () => {
      front = await Front.open()
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}`, PUBLIC_URL: front.url }
      gateway = await startGateway(store, env)
      front.target = `http://127.0.0.1:${env['PORT']}`
      operator = ApiClient.operator(front.target)
      acme = await makeTenant(front.target)
      globex = await makeTenant(front.target, { endpoint: 'globex' })
      connectionId = (await connect(acme, globex)).inviter
    })
    after(async () => {
      await gateway?.stop()
      await front?.down()
      await store?.remove()
    })
    beforeEach(() => {
      front.requests.length = 0
    })

    const received = ({ client }: TestTenant, content: string) =>
      eventually(async () => {
        const { nodes } = (await client.ask(MESSAGES)).basicMessages
        return nodes.filter((node: { role: string; content: string }) => node.content === content).length === 1
      })

    test('do not leave it, to the endpoint that all share or to one of its own', async () => {
      await say(acme.client, connectionId, 'near')
      await received(globex, 'near')
      const other = await makeTenant(front.target as string)
      await connect(globex, other)
      assert.deepEqual(front.requests, [])
    })

    test('reach nobody by the endpoint of another tenant', async () => {
      // The invitation of one, which names the endpoint of another.
      const { createInvitation } = await acme.client.ask(
        'mutation { createInvitation(input: {}) { invitation { message } } }',
      )
      const { message } = createInvitation.invitation
      const [service] = message.services
      message.services = [{ ...service, serviceEndpoint: `${front.url}/didcomm/t/globex` }]
      const initech = await makeTenant(front.target as string)
      await initech.client.ask(
        'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }',
        { message },
      )
      // It is asked for by the network, where nobody has it either.
      await eventually(async () => front.requests.length > 0)
      const { connections } = await initech.client.ask('{ connections { nodes { state } } }')
      assert.notEqual(connections.nodes[0].state, 'COMPLETED')
      // It would be asked for again.
      await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', {
        id: initech.id,
      })
    })

    test('wait for a tenant that is suspended, and come in order once it is resumed', async () => {
      await operator.ask('mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { state } } }', {
        id: globex.id,
      })
      for (const content of ['waits 1', 'waits 2']) await say(acme.client, connectionId, content)
      await eventually(async () => {
        const { tenant } = await operator.ask('query($id: ID!) { tenant(id: $id) { queuedMessages } }', {
          id: globex.id,
        })
        return tenant.queuedMessages === 2
      })
      await operator.ask('mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { state } } }', {
        id: globex.id,
      })
      await received(globex, 'waits 2')
      assert.deepEqual(front.requests, [])
    })

    test('go by the public URL where that is wanted', async () => {
      await gateway.stop()
      gateway = await startGateway(store, { ...env, LOCAL_DELIVERY: 'off' })
      await say(acme.client, connectionId, 'far')
      await received(globex, 'far')
      assert.equal(front.requests.length, 1)
    })
  })
}

test('what another gateway behind the same URL has is sent there', async () => {
  const front = await Front.open()
  const stores = [await freshStore('sqlite'), await freshStore('sqlite')]
  const gateways: TestGateway[] = []
  try {
    const ports = [await freePort(), await freePort()]
    for (const [index, store] of stores.entries()) {
      gateways.push(await startGateway(store, { PORT: `${ports[index]}`, PUBLIC_URL: front.url }))
    }
    const [here, there] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string]
    // Whatever one of them does not know the other has.
    const [acme, globex] = [await makeTenant(here), await makeTenant(there)]
    front.target = there
    const { createInvitation } = await globex.client.ask(
      'mutation { createInvitation(input: {}) { invitation { message } } }',
    )
    await acme.client.ask(
      'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }',
      { message: createInvitation.invitation.message },
    )
    await eventually(async () => {
      const { connections } = await globex.client.ask('{ connections { nodes { state } } }')
      return connections.nodes.length === 1
    })
  } finally {
    for (const gateway of gateways) await gateway.stop()
    await front.down()
    for (const store of stores) await store.remove()
  }
})
