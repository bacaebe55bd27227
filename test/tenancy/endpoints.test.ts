import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { base58Encode } from '../../src/lib/base58.js'
import { ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { Front } from '../support/front.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, say } from '../support/talk.js'

const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { endpoint } } }'
const CREATE = 'mutation($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id endpoint } } }'
const INVITE = `mutation($input: CreateInvitationInput!) {
  createInvitation(input: $input) { invitation { id url message } } }`
const OWN = '{ viewer { tenant { endpoint } } }'
const DELETE = 'mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }'

for (const kind of STORES) {
  describe(`endpoints of tenants' own on ${kind}`, () => {
    let store: TestStore
    let gateways: TestGateway[]
    let url: string
    let operator: ApiClient
    let front: Front

    before(async () => {
      store = await freshStore(kind)
      gateways = [await startGateway(store)]
      if (kind === 'postgres') gateways.push(await startGateway(store, { TRUST_PROXY: '127.0.0.1' }))
      url = gateways[0]?.url as string
      operator = ApiClient.operator(url)
      front = await Front.open()
      front.target = url
    })
    after(async () => {
      await front?.down()
      for (const gateway of gateways ?? []) await gateway.stop()
      await store?.remove()
    })

    const setEndpoint = (tenant: TestTenant, endpoint: string | null) =>
      operator.send<{ updateTenant: { tenant: { endpoint: string | null } } }>(UPDATE, {
        input: { tenantId: tenant.id, endpoint },
      })

    test('a slug is where the tenant’s peers send, by its invitations and DID documents', async () => {
      const slug = uniqueName('acme')
      const acme = await makeTenant(url, { endpoint: slug })
      const own = `${url}/didcomm/t/${slug}`
      assert.equal((await acme.client.ask(OWN)).viewer.tenant.endpoint, own)
      assert.deepEqual(await endpointsOfInvitation(acme), [own])
      assert.deepEqual(await endpointsOfNewDid(acme), [own])
      await talk(acme, await makeTenant(url), [own])
      const { baseWallet } = await operator.ask('{ baseWallet { endpoints } }')
      assert.deepEqual(baseWallet.endpoints, [`${url}/didcomm`])
    })

    test('a domain that leads here is where the tenant’s peers send, and what its invitation URLs name', async () => {
      const acme = await makeTenant(url, { endpoint: `${front.url}/didcomm/` })
      const own = `${front.url}/didcomm`
      assert.equal((await acme.client.ask(OWN)).viewer.tenant.endpoint, own)
      const { invitation } = (await acme.client.ask(INVITE, { input: {} })).createInvitation
      assert.equal(new URL(invitation.url).origin, front.url)
      const read = await acme.client.ask(
        'query($id: ID!) { invitation(id: $id) { url } invitations { nodes { url } } }',
        { id: invitation.id },
      )
      assert.deepEqual([read.invitation.url, read.invitations.nodes[0].url], [invitation.url, invitation.url])
      const named = await acme.client.ask(INVITE, { input: { domain: 'https://example.org' } })
      assert.equal(new URL(named.createInvitation.invitation.url).host, 'example.org')
      const before = front.requests.length
      await talk(acme, await makeTenant(url), [own])
      assert.ok(front.requests.length > before, 'what is sent to the tenant comes over its domain')
      await operator.ask(DELETE, { id: acme.id })
    })

    test('the root of a domain is an endpoint as well', async () => {
      const acme = await makeTenant(url, { endpoint: `${front.url}/` })
      await talk(acme, await makeTenant(url), [front.url])
      await operator.ask(DELETE, { id: acme.id })
    })

    test('refuse keys of other tenants byte for byte like keys that nobody has', async () => {
      const [slug, host] = [uniqueName('acme'), `${uniqueName('h')}.example.org`]
      const [acme, globex, initech] = [
        await makeTenant(url, { endpoint: slug }),
        await makeTenant(url, { endpoint: `https://${host}/didcomm/globex` }),
        await makeTenant(url),
      ]
      const peers = await Promise.all([acme, globex, initech].map((tenant) => OutsidePeer.connectTo(tenant)))
      const [ofAcme, ofGlobex, ofInitech] = peers as [OutsidePeer, OutsidePeer, OutsidePeer]
      try {
        const nobody = base58Encode(randomBytes(32))
        const unknown = Buffer.from(withRecipient(ofAcme.message('for nobody'), nobody))
        for (const gateway of gateways) {
          const slugPath = `/didcomm/t/${slug}`
          const expected = await post(gateway.url, slugPath, unknown)
          assert.deepEqual([expected.status, expected.body], [404, 'No such recipient.'])
          for (const [path, body, headers] of [
            [slugPath, ofGlobex.message('astray')],
            [slugPath, ofInitech.message('astray')],
            [slugPath, ofInitech.message('astray')],
            ['/didcomm/globex', ofAcme.message('astray'), { host }],
            ['/didcomm/globex', ofInitech.message('astray'), { host }],
            ['/didcomm/globex', unknown, { host }],
            ['/didcomm/globex', ofGlobex.message('astray'), {}],
            ['/didcomm/globex', ofGlobex.message('astray'), { host: `x${host}` }],
            ['/', ofGlobex.message('astray'), { host }],
            [`/didcomm/t/${uniqueName('none')}`, ofAcme.message('astray')],
            [`/didcomm/t/${uniqueName('none')}`, unknown],
            [`/didcomm/t/${'x'.repeat(5000)}`, unknown],
            ['/didcomm/t/__proto__', unknown],
            ['/didcomm', unknown],
          ] as [string, Buffer, Record<string, string>?][]) {
            assert.deepEqual(await post(gateway.url, path, body, headers), expected, `${path} ${headers?.['host']}`)
          }
          assert.equal((await post(gateway.url, slugPath, ofAcme.message('a'))).status, 200)
          assert.equal((await post(gateway.url, '/didcomm', ofAcme.message('b'))).status, 200)
          assert.equal((await post(gateway.url, '/didcomm/globex', ofGlobex.message('c'), { host })).status, 200)
          const withPort = { host: `${host.toUpperCase()}:443` }
          assert.equal((await post(gateway.url, '/didcomm/globex/', ofGlobex.message('d'), withPort)).status, 200)
        }
        const times = gateways.length
        assert.deepEqual(await contents(acme), Array(times).fill(['a', 'b']).flat())
        assert.deepEqual(await contents(globex), Array(times).fill(['c', 'd']).flat())
        assert.deepEqual(await contents(initech), [])
      } finally {
        for (const peer of peers) await peer.close()
      }
    })

    if (kind === 'postgres')
      test('are found by X-Forwarded-Host from a trusted proxy, and from nobody else', async () => {
        const host = `${uniqueName('proxied')}.example.org`
        await makeTenant(url, { endpoint: `https://${host}/didcomm` })
        const peer = await OutsidePeer.connectTo(await makeTenant(url))
        try {
          const [trusting, distrusting] = [gateways[1]?.url as string, url]
          const forwarded = { 'x-forwarded-host': host }
          assert.equal((await post(trusting, '/didcomm', peer.message('astray'), forwarded)).status, 404)
          assert.equal((await post(distrusting, '/didcomm', peer.message('here'), forwarded)).status, 200)
          assert.deepEqual(await contents(peer.tenant), ['here'])
        } finally {
          await peer.close()
        }
      })

    test('keep what comes for a suspended tenant, and tell others nothing of that', async () => {
      const slug = uniqueName('stopped')
      const acme = await makeTenant(url, { endpoint: slug })
      const peers = [await OutsidePeer.connectTo(acme), await OutsidePeer.connectTo(await makeTenant(url))]
      try {
        await operator.ask('mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { id } } }', { id: acme.id })
        const statuses = await Promise.all(
          peers.map(async (peer) => (await post(url, `/didcomm/t/${slug}`, peer.message('later'))).status),
        )
        assert.deepEqual(statuses, [202, 404])
      } finally {
        for (const peer of peers) await peer.close()
      }
    })

    test('change at once, on every instance', async () => {
      const [first, second] = [uniqueName('first'), uniqueName('second')]
      const acme = await makeTenant(url, { endpoint: first })
      const peer = await OutsidePeer.connectTo(acme)
      const statusAt = async (gateway: TestGateway, slug: string) =>
        (await post(gateway.url, `/didcomm/t/${slug}`, peer.message(uniqueName('text')))).status
      try {
        for (const gateway of gateways) {
          assert.equal(await statusAt(gateway, first), 200)
          assert.equal(await statusAt(gateway, second), 404)
        }
        const { data } = await setEndpoint(acme, second)
        assert.equal(data?.updateTenant.tenant.endpoint, `${url}/didcomm/t/${second}`)
        for (const gateway of gateways) {
          await eventually(async () => (await statusAt(gateway, second)) === 200, 1000)
          await eventually(async () => (await statusAt(gateway, first)) === 404, 1000)
          const there = { ...acme, client: acme.client.at(gateway.url) }
          assert.deepEqual(await endpointsOfInvitation(there), [`${gateway.url}/didcomm/t/${second}`])
          assert.deepEqual(await endpointsOfNewDid(there), [`${gateway.url}/didcomm/t/${second}`])
        }
        await setEndpoint(acme, null)
        assert.equal((await acme.client.ask(OWN)).viewer.tenant.endpoint, null)
        assert.deepEqual(await endpointsOfInvitation(acme), [`${url}/didcomm`])
        assert.equal(await statusAt(gateways[0] as TestGateway, second), 404)
        assert.equal((await peer.post(peer.message('still here'))).status, 200)
      } finally {
        await peer.close()
      }
    })

    test('are one tenant’s at a time, and free again when it has gone or taken another', async () => {
      const [slug, host] = [uniqueName('one'), `${uniqueName('one')}.example.org`]
      const acme = await makeTenant(url, { endpoint: slug })
      const globex = await makeTenant(url, { endpoint: `https://${host}/didcomm` })
      for (const taken of [slug, `${url}/didcomm/t/${slug}`]) assert.deepEqual(await refusal(globex, taken), TAKEN)
      for (const taken of [`https://${host}/didcomm`, `http://${host}/didcomm/`]) {
        assert.deepEqual(await refusal(acme, taken), TAKEN)
        const input = { name: uniqueName('late'), endpoint: taken }
        assert.equal(await operator.codeOf(CREATE, { input }), 'CONFLICT')
        const { tenant } = await operator.ask('query($name: String!) { tenant(name: $name) { id } }', input)
        assert.equal(tenant, null, 'nothing of it is made')
      }
      assert.deepEqual(await setEndpoint(acme, slug), {
        data: { updateTenant: { tenant: { endpoint: `${url}/didcomm/t/${slug}` } } },
      })
      const peer = await OutsidePeer.connectTo(acme)
      assert.equal((await post(url, `/didcomm/t/${slug}`, peer.message('hello'))).status, 200)
      await peer.close()
      await operator.ask(DELETE, { id: acme.id })
      await setEndpoint(globex, slug)
      const heir = await OutsidePeer.connectTo(globex)
      for (const gateway of gateways) {
        await eventually(
          async () => (await post(gateway.url, `/didcomm/t/${slug}`, heir.message('mine'))).status === 200,
          1000,
        )
      }
      await heir.close()
      await makeTenant(url, { endpoint: `https://${host}/didcomm` })
    })

    test('are given by the operator alone, and only where they can lead here', async () => {
      const acme = await makeTenant(url)
      for (const endpoint of [uniqueName('self'), null]) {
        assert.equal(await acme.client.codeOf(UPDATE, { input: { tenantId: acme.id, endpoint } }), 'FORBIDDEN')
      }
      for (const endpoint of [
        '',
        'Acme',
        '-acme',
        'a/b',
        'x'.repeat(64),
        'ftp://acme.example.org/didcomm',
        'https://user:secret@acme.example.org/didcomm',
        'https://acme.example.org/didcomm?x=1',
        'https://acme.example.org/didcomm#x',
        'https://acme.example.org/graphql',
        'https://acme.example.org/didcomm/../graphql',
        'https://acme.example.org/didcomm/t/acme',
        `https://acme.example.org/didcomm/${'x'.repeat(600)}`,
        `${url}/didcomm`,
        `${url}/other`,
      ]) {
        assert.deepEqual(await refusal(acme, endpoint), { code: 'BAD_USER_INPUT', field: 'input.endpoint' }, endpoint)
      }
      assert.equal((await acme.client.ask(OWN)).viewer.tenant.endpoint, null)
    })

    async function refusal(tenant: TestTenant, endpoint: string) {
      const { errors } = await setEndpoint(tenant, endpoint)
      return { code: errors?.[0]?.extensions.code, field: errors?.[0]?.extensions.field }
    }
  })
}

const TAKEN = { code: 'CONFLICT', field: 'input.endpoint' }

/** Connects two tenants and has each send a text. @throws unless the other knows `inviter` by these endpoints */
async function talk(inviter: TestTenant, invitee: TestTenant, endpoints: string[]): Promise<void> {
  const connection = await connect(inviter, invitee)
  await say(invitee.client, connection.invitee, 'hello')
  await say(inviter.client, connection.inviter, 'welcome')
  await eventually(async () => (await contents(inviter)).includes('hello'))
  await eventually(async () => (await contents(invitee)).includes('welcome'))
  const { connection: seen } = await invitee.client.ask('query($id: ID!) { connection(id: $id) { theirDid } }', {
    id: connection.invitee,
  })
  const { resolveDid } = await invitee.client.ask('query($did: String!) { resolveDid(did: $did) { document } }', {
    did: seen.theirDid,
  })
  assert.deepEqual(endpointsOf(resolveDid.document), endpoints)
}

async function endpointsOfInvitation({ client }: TestTenant): Promise<string[]> {
  const { message } = (await client.ask(INVITE, { input: {} })).createInvitation.invitation
  return message.services.map(({ serviceEndpoint }: { serviceEndpoint: string }) => serviceEndpoint)
}

async function endpointsOfNewDid({ client }: TestTenant): Promise<string[]> {
  const { createDid } = await client.ask('mutation { createDid(input: {method: "peer"}) { did { document } } }')
  return endpointsOf(createDid.did.document)
}

const endpointsOf = ({ service }: { service: { serviceEndpoint: string }[] }) =>
  service.map(({ serviceEndpoint }) => serviceEndpoint)

async function contents({ client }: TestTenant): Promise<string[]> {
  const { basicMessages } = await client.ask('{ basicMessages { nodes { content } } }')
  return basicMessages.nodes.map(({ content }: { content: string }) => content)
}

/** An envelope with the key of its recipient exchanged. */
function withRecipient(envelope: Buffer, kid: string): string {
  const sealed = JSON.parse(envelope.toString())
  const shell = JSON.parse(Buffer.from(sealed.protected, 'base64url').toString())
  shell.recipients[0].header.kid = kid
  return JSON.stringify({ ...sealed, protected: Buffer.from(JSON.stringify(shell)).toString('base64url') })
}

/** Posts an envelope with headers of the test's own. @returns all of the answer but its date */
async function post(url: string, path: string, body: Buffer, headers: Record<string, string> = {}) {
  const sent = request(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/didcomm-envelope-enc', 'content-length': body.length, ...headers },
  })
  const answered = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject)
  })
  sent.end(body)
  const answer = await answered
  const { date: _, ...rest } = answer.headers
  return { status: answer.statusCode, headers: rest, body: await text(answer) }
}
