import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { introspect, operationOf, type RootField, rootFieldsOf } from '../security/root-fields.js'
import { ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, say } from '../support/talk.js'

/** The root fields of each feature, by what their names speak of. */
const SPEAKS_OF: Record<string, RegExp> = {
  MESSAGES: /message/i,
  CREDENTIALS: /credential(?!sForProof)|schema|revocation/i,
  PROOFS: /proof|presentation/i,
  // But for what is the operator's alone.
  MEDIATION: /^(?!createMediatorInvitation).*mediat/i,
  HOSTED_DIDS: /^(updateDid|deactivateDid)$/,
  QUESTION_ANSWER: /question/i,
}

const PROTOCOLS: [string, string][] = [
  ['MESSAGES', 'basicmessage/1.0/message'],
  ['CREDENTIALS', 'issue-credential/2.0/offer-credential'],
  ['PROOFS', 'present-proof/2.0/request-presentation'],
  ['MEDIATION', 'coordinate-mediation/1.0/mediate-request'],
  ['QUESTION_ANSWER', 'questionanswer/1.0/question'],
]

const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }'
const CREATE_DID = 'mutation($input: CreateDidInput!) { createDid(input: $input) { did { did } } }'

for (const kind of STORES) {
  describe(`features that are switched off on ${kind}`, () => {
    let store: TestStore
    let gateways: TestGateway[]
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      gateways = [await startGateway(store)]
      if (kind === 'postgres') gateways.push(await startGateway(store))
      acme = await makeTenant((gateways[0] as TestGateway).url)
    })
    after(async () => {
      for (const gateway of gateways ?? []) await gateway.stop()
      await store?.remove()
    })

    const switchOff = (tenant: TestTenant, ...disabledFeatures: string[]) =>
      ApiClient.operator(tenant.client.url).ask(UPDATE, {
        input: { tenantId: tenant.id, policy: { disabledFeatures } },
      })

    test('are refused in every root field of theirs and in no other, until they are on again, everywhere', async () => {
      const operator = ApiClient.operator(acme.client.url)
      const roots = rootFieldsOf(await introspect(operator)).filter(({ kind }) => kind !== 'subscription')
      for (const [feature, pattern] of Object.entries(SPEAKS_OF)) {
        const expected = roots.filter(({ name }) => pattern.test(name)).map(({ name }) => name)
        await switchOff(acme, feature)
        for (const { url } of gateways) {
          const refused = () => refusedFields(acme.client.at(url), roots)
          const by = (name: string) => `${name} by ${feature}`
          await eventually(async () => (await refused()).join() === expected.map(by).join(), 5000)
        }
      }
      await switchOff(acme)
      for (const { url } of gateways) {
        await eventually(async () => (await refusedFields(acme.client.at(url), roots)).length === 0, 5000)
      }
      const covered = Object.values(SPEAKS_OF).flatMap((pattern) => roots.filter(({ name }) => pattern.test(name)))
      assert.ok(covered.length >= 24, 'the schema has root fields of features')
    })

    test('refuse hosted DIDs, and no others', async () => {
      await switchOff(acme, 'HOSTED_DIDS')
      for (const method of ['web', 'webvh']) {
        const { errors } = await acme.client.send(CREATE_DID, { input: { method } })
        assert.equal(errors?.[0]?.message, 'The operator has switched HOSTED_DIDS off for this tenant.')
        assert.equal(errors?.[0]?.extensions.code, 'FORBIDDEN')
      }
      await acme.client.ask(CREATE_DID, { input: { method: 'key' } })
      await switchOff(acme)
      await acme.client.ask(CREATE_DID, { input: { method: 'web' } })
    })

    test('leave the operator, and other tenants, what they have', async () => {
      const globex = await makeTenant(acme.client.url)
      await switchOff(acme, 'MESSAGES', 'MEDIATION')
      await ApiClient.operator(acme.client.url).ask('{ mediationGrants { id } }')
      await globex.client.ask('{ mediationGrants { id } basicMessages { nodes { id } } }')
      await switchOff(acme)
    })

    test('are answered by a problem report on the wire, and leave nothing behind', async () => {
      const tenant = await makeTenant(acme.client.url)
      const peer = await OutsidePeer.connectTo(tenant)
      const events = () => tenant.client.ask('{ events(last: 1) { totalCount: pageInfo { endCursor } } }')
      try {
        for (const [feature, type] of PROTOCOLS) {
          await switchOff(tenant, feature)
          const before = await events()
          const message = { '@type': `https://didcomm.org/${type}`, '@id': randomUUID(), ...CONTENT }
          const answer = peer.next()
          assert.equal((await peer.post(peer.pack(message))).status, 200)
          const report = await answer
          assert.match(report['@type'], /\/problem-report$/)
          assert.equal((report['description'] as { code: string }).code, 'feature-not-enabled')
          assert.equal((report['~thread'] as { pthid: string }).pthid, message['@id'])
          assert.deepEqual(await events(), before)
        }
        await switchOff(tenant)
        assert.deepEqual(await contents(tenant), [])
        await peer.post(peer.message('now it comes'))
        assert.deepEqual(await contents(tenant), ['now it comes'])
      } finally {
        await peer.close()
      }
    })

    test('answer no problem report by another', async () => {
      const tenant = await makeTenant(acme.client.url, { policy: { disabledFeatures: ['CREDENTIALS'] } })
      const peer = await OutsidePeer.connectTo(tenant)
      try {
        const answer = peer.next()
        const report = { '@type': 'https://didcomm.org/issue-credential/2.0/problem-report', '@id': randomUUID() }
        assert.equal((await peer.post(peer.pack(report))).status, 200)
        // What comes first is what is sent next.
        const { connections } = await tenant.client.ask('{ connections { nodes { id } } }')
        await say(tenant.client, connections.nodes[0].id, 'hello')
        assert.equal((await answer)['content'], 'hello')
      } finally {
        await peer.close()
      }
    })
  })
}

/** What makes a message of each of the protocols complete. */
const CONTENT = {
  content: 'is it there?',
  sent_time: new Date().toISOString(),
  formats: [],
  'offers~attach': [],
  'request_presentations~attach': [],
  question_text: 'Is it there?',
  nonce: '1',
  valid_responses: [{ text: 'yes' }],
}

async function contents({ client }: TestTenant): Promise<string[]> {
  const { basicMessages } = await client.ask('{ basicMessages { nodes { content } } }')
  return basicMessages.nodes.map(({ content }: { content: string }) => content)
}

/** The root fields that are refused because a feature is off, each with the feature that it is refused by. */
async function refusedFields(client: ApiClient, roots: RootField[]): Promise<string[]> {
  const asked = roots.map(async (root) => {
    const { query, variables } = operationOf(root, fill)
    const error = (await client.send(query, variables)).errors?.[0]
    const feature = /^The operator has switched (\w+) off for this tenant\.$/.exec(error?.message ?? '')?.[1]
    return feature && error?.extensions.code === 'FORBIDDEN' ? [`${root.name} by ${feature}`] : []
  })
  return (await Promise.all(asked)).flat()
}

/** Names are to be free, and what a new token allows is not what is asked here. */
function fill(path: string): unknown {
  if (path === 'input.name') return uniqueName('feature')
  if (path === 'input.scopes') return []
  if (path === 'input.tenantId' || path === 'tenantId') return '00000000-0000-4000-8000-000000000000'
  return undefined
}
