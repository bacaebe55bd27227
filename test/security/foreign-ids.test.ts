import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { type Fill, idPaths, introspect, operationOf, type RootField, rootFieldsOf } from './root-fields.js'

/** How deep answers are looked into: a list, its nodes, what hangs on them. */
const DEPTH = 4

for (const kind of STORES) {
  describe(`another tenant's ids on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let acme: TestTenant
    let globex: TestTenant
    let roots: RootField[]
    let foreign: Record<string, string>

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      roots = rootFieldsOf(await introspect(ApiClient.operator(gateway.url)))
      acme = await makeTenant(gateway.url)
      globex = await makeTenant(gateway.url)
      foreign = await thingsOf(globex, await makeTenant(gateway.url))
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('are answered like ids that do not exist, wherever an id can be given', async () => {
      const told: string[] = []
      let asked = 0
      for (const root of roots.filter(({ kind }) => kind !== 'subscription')) {
        for (const path of idPaths(root)) {
          for (const [what, id] of Object.entries(foreign)) {
            asked += 1
            const answer = await ask(root, path, id)
            const unknown = await ask(root, path, lookalike(id))
            if (!isSame(answer, unknown)) told.push(`${root.name}(${path}: ${what}): ${answer}, not ${unknown}`)
          }
        }
      }
      assert.deepEqual(told, [])
      assert.ok(asked > 100, `only ${asked} were asked`)
    })

    test('find nothing as filters', async () => {
      const ask = async (list: string, args: string, variables: object) => {
        const answer = await acme.client.ask(`query($id: ID!) { ${list}(${args}) { nodes { id } } }`, variables)
        return answer[list].nodes
      }
      assert.deepEqual(await ask('basicMessages', 'connectionId: $id', { id: foreign['connection'] }), [])
      assert.deepEqual(await ask('connections', 'filter: {invitationId: $id}', { id: foreign['invitation'] }), [])
      const lists = 'credentialExchanges proofExchanges'.split(' ')
      for (const list of lists) {
        assert.deepEqual(await ask(list, 'filter: {connectionId: $id}', { id: foreign['connection'] }), [])
      }
      const byDid = await acme.client.ask(
        'query($did: String!) { connections(filter: {theirDid: $did}) { nodes { id } } }',
        {
          did: foreign['DID of a connection'],
        },
      )
      assert.deepEqual(byDid.connections.nodes, [])
    })

    test('cannot be chosen for a stream or a page of events', async () => {
      const query = 'query($ids: [ID!]) { events(tenantIds: $ids) { nodes { id } } }'
      assert.equal(await acme.client.codeOf(query, { ids: [globex.id] }), 'BAD_USER_INPUT')
      assert.equal(await acme.client.codeOf(query, { ids: [acme.id] }), 'BAD_USER_INPUT')
      const tap = await acme.client.follow({ tenantIds: [globex.id] })
      await tap.until(() => tap.ended)
      assert.equal((tap.ended as { extensions: { code: string } }[])[0]?.extensions.code, 'BAD_USER_INPUT')
      await tap.close()
    })

    test('do not come in cursors: those of another log have expired', async () => {
      const { events } = await globex.client.ask('{ events(last: 1) { pageInfo { endCursor } } }')
      const cursor = events.pageInfo.endCursor as string
      for (const place of ['after', 'before']) {
        const query = `query($cursor: String) { events(${place}: $cursor) { nodes { id } } }`
        assert.equal(await acme.client.codeOf(query, { cursor }), 'CURSOR_EXPIRED')
        assert.equal(await ApiClient.operator(gateway.url).codeOf(query, { cursor }), 'CURSOR_EXPIRED')
      }
      const tap = await acme.client.follow({ after: cursor })
      await tap.until(() => tap.ended)
      assert.equal((tap.ended as { extensions: { code: string } }[])[0]?.extensions.code, 'CURSOR_EXPIRED')
      await tap.close()
    })

    test('have changed nothing of what is theirs', async () => {
      const { connection } = await globex.client.ask('query($id: ID!) { connection(id: $id) { id state } }', {
        id: foreign['connection'],
      })
      assert.deepEqual(connection, { id: foreign['connection'], state: 'COMPLETED' })
      const { invitation } = await globex.client.ask('query($id: ID!) { invitation(id: $id) { id } }', {
        id: foreign['invitation'],
      })
      assert.equal(invitation.id, foreign['invitation'])
      assert.equal((await globex.client.ask('{ viewer { role } }')).viewer.role, 'TENANT')
    })

    /** What acme is answered, with `id` in one place, and its own idempotency key in each request. */
    async function ask(root: RootField, path: string, id: string): Promise<string> {
      const fill: Fill = (at) => {
        if (at === path) return id
        if (at === 'input.scopes') return ['READ']
        if (at === 'input.name') return uniqueName('foreign')
        return undefined
      }
      const { query, variables } = operationOf(root, fill, DEPTH)
      return JSON.stringify(await acme.client.send(query, variables)).replaceAll(id, '<id>')
    }
  })
}

/** An id of the same shape that does not exist. */
const lookalike = (id: string) => id.replaceAll(/[0-9a-f]/g, () => randomInt(16).toString(16))

/** Answers are the same to the letter but for what any request has of its own: a request id, a new token. */
function isSame(answer: string, other: string): boolean {
  const common = (text: string) => text.replaceAll(/"requestId":"[^"]*"/g, '')
  return common(answer) === common(other)
}

/** One of each thing that a tenant can have, by its id. */
async function thingsOf(tenant: TestTenant, peer: TestTenant): Promise<Record<string, string>> {
  const { inviter } = await connect(tenant, peer)
  const { connection } = await tenant.client.ask(
    'query($id: ID!) { connection(id: $id) { did theirDid invitationId } }',
    { id: inviter },
  )
  const { sendBasicMessage } = await tenant.client.ask(
    'mutation($id: ID!) { sendBasicMessage(input: {connectionId: $id, content: "x"}) { message { id threadId } } }',
    { id: inviter },
  )
  const { sendPing } = await tenant.client.ask('mutation($id: ID!) { sendPing(connectionId: $id) { threadId } }', {
    id: inviter,
  })
  const { createDid } = await tenant.client.ask('mutation { createDid(input: {method: "key"}) { did { did } } }')
  const { createInvitation } = await tenant.client.ask(
    'mutation { createInvitation(input: {}) { invitation { id message } } }',
  )
  const { events } = await tenant.client.ask('{ events(last: 1) { nodes { id } } }')
  const { viewer } = await tenant.client.ask('{ viewer { token { id } } }')
  return {
    tenant: tenant.id,
    token: viewer.token.id,
    connection: inviter,
    'used invitation': connection.invitationId,
    invitation: createInvitation.invitation.id,
    'invitation message': createInvitation.invitation.message['@id'],
    message: sendBasicMessage.message.id,
    ...(sendBasicMessage.message.threadId ? { thread: sendBasicMessage.message.threadId } : {}),
    'thread of a ping': sendPing.threadId,
    DID: createDid.did.did,
    'DID of a connection': connection.did,
    'DID of the other': connection.theirDid,
    event: events.nodes[0].id,
  }
}
