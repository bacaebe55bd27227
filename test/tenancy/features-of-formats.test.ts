import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  attributesOf,
  type Issuer,
  makeIssuer,
  OPERATIONS,
  presentationDefinition,
  proofRequest,
} from '../credentials/story.js'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'

const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }'
const VALUES_OF = 'query($name: String!) { __type(name: $name) { enumValues { name } } }'
const LISTS = '{ credentialExchanges { nodes { id } } proofExchanges { nodes { id } } }'
const EXCHANGES = { credentialExchanges: { nodes: [] }, proofExchanges: { nodes: [] } }

/** By the names that the attachments of each step have in a message, and formats as the RFCs name them. */
const CREDENTIAL_STEPS = {
  'propose-credential': 'filters',
  'offer-credential': 'offers',
  'request-credential': 'requests',
  'issue-credential': 'credentials',
}
const CREDENTIAL_FORMATS = [
  'anoncreds/credential-offer@v1.0',
  'hlindy/cred-abstract@v2.0',
  'didcomm/w3c-di-vc-offer@v0.1',
  'aries/ld-proof-vc-detail@v1.0',
]
const PROOF_STEPS = {
  'propose-presentation': 'proposals',
  'request-presentation': 'request_presentations',
  presentation: 'presentations',
}
const PROOF_FORMATS = [
  'anoncreds/proof-request@v1.0',
  'hlindy/proof-req@v2.0',
  'dif/presentation-exchange/definitions@v1.0',
  'dif/presentation-exchange/submission@v1.0',
]
const PREVIEW = {
  '@type': 'https://didcomm.org/issue-credential/1.0/credential-preview',
  attributes: [{ name: 'name', value: 'Ada' }],
}
const OF_PROPOSAL = {
  '@type': 'https://didcomm.org/present-proof/1.0/presentation-preview',
  attributes: [{ name: 'name' }],
  predicates: [],
}

const OF_JWT = {
  id: 'degree',
  constraints: {
    fields: [
      { path: ['$.issuer', '$.vc.issuer', '$.iss'], filter: { type: 'string', const: 'did:key:z6Mk' } },
      { path: ['$.credentialSubject.name', '$.vc.credentialSubject.name'] },
    ],
  },
}

const attached = (name: string, format?: string) => {
  const id = randomUUID()
  return {
    ...(format && { formats: [{ attach_id: id, format }] }),
    [`${name}~attach`]: [{ '@id': id, 'mime-type': 'application/json', data: { base64: 'e30=' } }],
  }
}

const inFormats = (protocol: string, steps: Record<string, string>, formats: string[]): [string, object][] =>
  Object.entries(steps).flatMap(([step, name]) =>
    formats.map((format): [string, object] => [`${protocol}/2.0/${step}`, attached(name, format)]),
  )

/** Every message by which something of a feature begins or goes on. */
const MESSAGES: Record<string, [string, object][]> = {
  CREDENTIALS: [
    ...inFormats('issue-credential', CREDENTIAL_STEPS, CREDENTIAL_FORMATS),
    ['issue-credential/2.0/ack', { status: 'OK' }],
    ['issue-credential/1.0/offer-credential', { credential_preview: PREVIEW, ...attached('offers') }],
    ['issue-credential/1.0/issue-credential', attached('credentials')],
    ['revocation_notification/1.0/revoke', { thread_id: 'indy::a::1' }],
    ['revocation_notification/2.0/revoke', { revocation_format: 'indy-anoncreds', credential_id: 'a::1' }],
  ],
  PROOFS: [
    ...inFormats('present-proof', PROOF_STEPS, PROOF_FORMATS),
    ['present-proof/2.0/ack', { status: 'OK' }],
    ['present-proof/1.0/propose-presentation', { presentation_proposal: OF_PROPOSAL }],
    ['present-proof/1.0/request-presentation', attached('request_presentations')],
    ['present-proof/1.0/presentation', attached('presentations')],
  ],
}

describe('credentials and proofs that are switched off, in each format', () => {
  let store: TestStore
  let gateway: TestGateway
  let operator: ApiClient
  let issuer: Issuer
  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    operator = ApiClient.operator(gateway.url)
    issuer = await makeIssuer(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  const switchOff = (tenant: TestTenant, ...disabledFeatures: string[]) =>
    operator.ask(UPDATE, { input: { tenantId: tenant.id, policy: { disabledFeatures } } })
  const formatsOf = async (name: string): Promise<string[]> =>
    (await operator.ask(VALUES_OF, { name })).__type.enumValues.map((one: { name: string }) => one.name)
  /** A request of each kind that a verifier can make. */
  const requests = (): [string, object][] => [
    ['ANONCREDS', proofRequest(issuer)],
    ['PRESENTATION_EXCHANGE', presentationDefinition(issuer)],
    ['PRESENTATION_EXCHANGE', { format: { jwt_vc: { alg: ['EdDSA'] } }, input_descriptors: [OF_JWT] }],
  ]

  test('are refused in the API', async () => {
    const tenant = await makeTenant(gateway.url)
    const line = await connect(issuer, tenant)
    await switchOff(tenant, 'CREDENTIALS', 'PROOFS')
    const [connectionId, credentialDefinitionId] = [line.invitee, issuer.definitionId]
    const attributes = attributesOf('Ada')
    for (const format of await formatsOf('CredentialFormat')) {
      for (const input of [{ connectionId }, {}]) {
        const offer = { input: { ...input, credentialDefinitionId, attributes, format } }
        assert.equal(await tenant.client.codeOf(OPERATIONS.offer, offer), 'FORBIDDEN', format)
      }
    }
    assert.deepEqual([...new Set(requests().map(([format]) => format))], await formatsOf('ProofFormat'))
    for (const [format, request] of requests()) {
      for (const input of [{ connectionId }, {}]) {
        const asked = { input: { ...input, name: 'Who?', request, format } }
        assert.equal(await tenant.client.codeOf(OPERATIONS.requestProof, asked), 'FORBIDDEN', format)
      }
      const proposal = 'mutation($input: ProposeProofInput!) { proposeProof(input: $input) { proofExchange { id } } }'
      const proposed = { input: { connectionId, name: 'Who?', request, format } }
      assert.equal(await tenant.client.codeOf(proposal, proposed), 'FORBIDDEN', format)
    }
  })

  test('are answered by a problem report where a tenant offers or asks, and leave nothing', async () => {
    const tenant = await makeTenant(gateway.url)
    const line = await connect(issuer, tenant)
    const connectionId = line.inviter
    await switchOff(tenant, 'CREDENTIALS', 'PROOFS')
    const told = await issuer.client.follow({ topics: ['PROBLEM_REPORT'] })
    /** The report names the message that it is about, which the API does not show: they come one by one. */
    const refused = async (what: string) => {
      const report = await told.until(() => told.events[reports])
      reports += 1
      assert.deepEqual([report.connectionId, report.code], [connectionId, 'feature-not-enabled'], what)
    }
    let reports = 0
    for (const format of ['ANONCREDS', 'DATA_INTEGRITY']) {
      const input = {
        connectionId,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf('Ada'),
        format,
      }
      await issuer.client.ask(OPERATIONS.offer, { input })
      await refused(format)
    }
    for (const [format, request] of requests()) {
      const input = { connectionId, name: 'Who?', request, format }
      await issuer.client.ask(OPERATIONS.requestProof, { input })
      await refused(format)
    }
    await told.close()
    await switchOff(tenant)
    assert.deepEqual(await tenant.client.ask(LISTS), EXCHANGES)
  })

  for (const [feature, messages] of Object.entries(MESSAGES)) {
    test(`are answered by a problem report whatever message comes: ${feature}`, async () => {
      const tenant = await makeTenant(gateway.url)
      const peer = await OutsidePeer.connectTo(tenant)
      try {
        await switchOff(tenant, feature)
        for (const [type, content] of messages) {
          const what = `${type} ${JSON.stringify(content)}`
          const message = { '@type': `https://didcomm.org/${type}`, '@id': randomUUID(), ...content }
          const answer = peer.next()
          assert.equal((await peer.post(peer.pack(message))).status, 200, what)
          const report = await answer
          assert.match(report['@type'], /\/problem-report$/, what)
          assert.equal((report['description'] as { code: string }).code, 'feature-not-enabled', what)
          assert.equal((report['~thread'] as { pthid: string }).pthid, message['@id'], what)
        }
        await switchOff(tenant)
        assert.deepEqual(await tenant.client.ask(LISTS), EXCHANGES)
      } finally {
        await peer.close()
      }
    })
  }

  test('that an invitation brings along are not taken either', async () => {
    const receive = 'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }'
    const tenant = await makeTenant(gateway.url)
    await switchOff(tenant, 'CREDENTIALS', 'PROOFS')
    const offers = ['ANONCREDS', 'DATA_INTEGRITY'].map(async (format) => {
      const input = { credentialDefinitionId: issuer.definitionId, attributes: attributesOf('Ada'), format }
      return (await issuer.client.ask(OPERATIONS.offer, { input })).offerCredential.invitation.message
    })
    const asked = requests().map(async ([format, request]) => {
      const input = { name: 'Who?', request, format }
      return (await issuer.client.ask(OPERATIONS.requestProof, { input })).requestProof.invitation.message
    })
    for (const message of await Promise.all([...offers, ...asked])) await tenant.client.send(receive, { message })
    await switchOff(tenant)
    assert.deepEqual(await tenant.client.ask(LISTS), EXCHANGES)
  })
})
