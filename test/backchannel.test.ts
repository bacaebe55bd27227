import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AcapyAgent } from '../interop/acapy/agent.js'
import { readyAcapyPython } from '../interop/acapy/environment.js'
import { type Backchannel, startBackchannel } from '../interop/backchannel/server.js'
import { makeTenant } from './support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from './support/gateway.js'
import { AcapySide, BackchannelSide, type HandshakeSide, isIn } from './support/harness.js'

// The scenarios of the Agent Test Harness, by its names, step by step as its features have them.

const python = await readyAcapyPython()
const skip = python ? false : 'ACA-Py IS NOT INSTALLED: `npm run interop:install` makes its environment (Python 3.11)'
if (skip) console.warn(`Not tried with another agent: ${skip}`)

let store: TestStore
let gateway: TestGateway
const stops: (() => Promise<void>)[] = []
const sides: Record<string, BackchannelSide> = {}
const sideOf = (name: string) => sides[name] as BackchannelSide

before(async () => {
  store = await freshStore('sqlite')
  gateway = await startGateway(store)
  for (const name of ['Acme', 'Bob', 'Faber', 'Mediator']) {
    const settings = { mediates: name === 'Mediator' }
    const { client } = await makeTenant(gateway.url, { label: name, settings })
    const { token = '' } = client.credentials
    const backchannel: Backchannel = await startBackchannel({ port: 0, gateway: gateway.url, token, version: '0' })
    stops.push(backchannel.stop)
    sides[name] = new BackchannelSide(backchannel.url)
  }
})

after(async () => {
  for (const stop of stops) await stop()
  await gateway?.stop()
  await store?.remove()
})

/** The steps of a connection by Aries RFC 0160. @returns what each side knows it by */
async function connect(inviter: HandshakeSide, invitee: HandshakeSide): Promise<[string, string]> {
  const { id, invitation } = await inviter.invite('connection')
  const theirs = await invitee.receive('connection', invitation)
  await invitee.request('connection', theirs)
  await inviter.respond('connection', id)
  await isIn(invitee, 'connection', theirs, 'responded', 'complete')
  await invitee.ping(theirs)
  await isIn(inviter, 'connection', id, 'responded', 'complete')
  await isIn(invitee, 'connection', theirs, 'responded', 'complete')
  return [id, theirs]
}

/** The steps of a DID exchange by an explicit invitation (Aries RFC 0023, 0434). */
async function exchangeDids(
  responder: HandshakeSide,
  requester: HandshakeSide,
  data?: object,
): Promise<[string, string]> {
  const { id, invitation } = await responder.invite('did-exchange', data)
  const theirs = await requester.receive('did-exchange', invitation)
  await requester.request('did-exchange', theirs)
  await responder.respond('did-exchange', id)
  await isIn(requester, 'did-exchange', theirs, 'completed')
  await isIn(responder, 'did-exchange', id, 'completed')
  return [id, theirs]
}

/** Handshakes between two agents, the first of which is the one that the scenario names so. */
const HANDSHAKES: Record<string, (acme: HandshakeSide, bob: HandshakeSide) => Promise<unknown>> = {
  'T001-RFC0160: a connection between two agents': connect,
  async 'T006-RFC0160: one more, begun by the other side'(acme, bob) {
    const [first] = await connect(acme, bob)
    const [, second] = await connect(bob, acme)
    assert.notEqual(first, second)
  },
  'T001-RFC0023: a DID exchange by an explicit invitation': (acme, bob) => exchangeDids(bob, acme),
  'T001-RFC0793: DID exchange 1.1': (acme, bob) =>
    exchangeDids(bob, acme, { handshake_protocols: ['https://didcomm.org/didexchange/1.1'] }),
}

describe('between two tenants', () => {
  test('T003-RFC0023: a DID exchange by an invitation that names a public DID', async () => {
    const [acme, bob] = [sideOf('Acme'), sideOf('Bob')]
    const { did } = await bob.get('command/did')
    const { invitation } = await bob.invite('did-exchange', { use_public_did: true })
    assert.deepEqual(invitation.services, [did])
    await exchangeDids(bob, acme, { use_public_did: true })
  })

  test('T005-RFC0023: a DID exchange by a public DID, without an invitation', async () => {
    const [acme, bob] = [sideOf('Acme'), sideOf('Bob')]
    const { did } = await bob.get('command/did')
    const data = { their_public_did: did, their_did: did }
    const asked = await acme.post('did-exchange/create-request-resolvable-did', { data })
    const { connection_id: theirs } = asked
    const { connection_id: id } = await bob.post('did-exchange/receive-request-resolvable-did', { data: asked })
    await bob.respond('did-exchange', id)
    await isIn(acme, 'did-exchange', theirs, 'completed')
    await isIn(bob, 'did-exchange', id, 'completed')
  })

  for (const [title, run] of Object.entries(HANDSHAKES))
    test(title, async () => void (await run(sideOf('Acme'), sideOf('Bob'))))
})

describe('with ACA-Py', { skip }, () => {
  let acapy: AcapyAgent
  before(async () => {
    acapy = await AcapyAgent.start({ python: python as string, multitenant: false })
  })
  after(() => acapy?.stop())

  for (const [title, run] of Object.entries(HANDSHAKES)) {
    test(`${title}; ours is Acme`, { skip }, async () => void (await run(sideOf('Acme'), new AcapySide(acapy))))
    test(`${title}; ours is Bob`, { skip }, async () => void (await run(new AcapySide(acapy), sideOf('Bob'))))
  }

  test('T003-RFC0160: what is for one agent is refused to a second', { skip }, async () => {
    const [acme, bob, mallory] = [sideOf('Acme'), new AcapySide(acapy), sideOf('Faber')]
    const { id, invitation } = await acme.invite('connection')
    const theirs = await bob.receive('connection', invitation)
    await acme.respond('connection', id)
    await isIn(bob, 'connection', theirs, 'complete')
    await isIn(acme, 'connection', id, 'complete')
    const late = await mallory.receive('connection', invitation)
    await mallory.request('connection', late)
    await isIn(mallory, 'connection', late, 'requested', 'abandoned')
    assert.equal(await acme.statusOf('connection/accept-request', { id }), 406)
    assert.equal(await acme.stateOf('connection', id), 'complete')
  })

  test('T001-RFC0211: mediation is granted, over either kind of connection', { skip }, async () => {
    assert.equal(await sideOf('Acme').statusOf('mediation/send-grant', { id: 'any' }), 501, 'this one does not mediate')
    for (const shake of [connect, exchangeDids]) {
      const [ours, theirs] = await shake(sideOf('Mediator'), new AcapySide(acapy))
      const { mediation_id: id } = await acapy.ask('POST', `/mediation/request/${theirs}`, {})
      await sideOf('Mediator').post('mediation/send-grant', { id: ours })
      const request = { stateOf: async () => (await acapy.ask('GET', `/mediation/requests/${id}`)).state }
      await isIn(request, 'mediation', id, 'granted')
      assert.equal(await sideOf('Mediator').stateOf('mediation', ours), 'grant-sent')
    }
  })
})

describe('between two tenants, by AnonCreds under a did:webvh', () => {
  const ATTRIBUTES = ['address', 'DL_number', 'expiry', 'age']
  const PREVIEW = {
    '@type': 'https://didcomm.org/issue-credential/2.0/credential-preview',
    attributes: ATTRIBUTES.map((name) => ({ name, value: name === 'age' ? '30' : `the ${name}` })),
  }
  /** What is asked, and what answers it, as in the harness's data for a driving licence. */
  const RESTRICTIONS = [{ schema_name: 'Schema_DriversLicense_v2', schema_version: '1.0.1' }]
  const REQUEST = {
    requested_attributes: { address_attrs: { name: 'address', restrictions: RESTRICTIONS } },
    requested_predicates: { age: { name: 'age', p_type: '>', p_value: 19, restrictions: RESTRICTIONS } },
    version: '0.1.0',
  }
  const presentationOf = (credentialId: string) => ({
    format: 'anoncreds',
    requested_attributes: { address_attrs: { revealed: true, cred_id: credentialId } },
    requested_predicates: { age: { cred_id: credentialId } },
  })
  const requestFor = (connectionId?: string) => ({
    presentation_request: { format: 'anoncreds', comment: 'Please', data: REQUEST, connection_id: connectionId },
  })
  let definitionId: string

  /** "Acme" has a public did, and is ready to issue a credential. */
  before(async () => {
    const acme = sideOf('Acme')
    const { did } = await acme.get('command/did')
    assert.equal((await acme.get('command/did')).did, did, 'it keeps its DID')
    const schema = { name: 'Schema_DriversLicense_v2', version: '1.0.1', attrNames: ATTRIBUTES, issuerId: did }
    const { schema_id: schemaId } = await acme.post('schema', { data: { schema, options: {} } })
    assert.equal((await acme.post('schema', { data: { schema, options: {} } })).schema_id, schemaId, 'it is made once')
    assert.equal((await acme.get(`command/schema/${encodeURIComponent(schemaId)}`)).name, schema.name)
    const definition = { schemaId, tag: 'licences', issuerId: did }
    const made = await acme.post('credential-definition', {
      data: { credential_definition: definition, options: { support_revocation: true } },
    })
    definitionId = made.credential_definition_id
    const path = `command/credential-definition/${encodeURIComponent(definitionId)}`
    assert.equal((await acme.get(path)).id, definitionId)
  })

  /** From an offer that the holder has, or gets, to a credential. @returns its id */
  async function issue(threadId: string): Promise<string> {
    await sideOf('Bob').post('issue-credential-v2/send-request', { id: threadId })
    await sideOf('Acme').post('issue-credential-v2/issue', { id: threadId, data: { comment: 'issuing credential' } })
    const { state, credential_id: id } = await sideOf('Bob').post('issue-credential-v2/store', { id: threadId })
    assert.equal(state, 'done')
    await isIn(sideOf('Acme'), 'issue-credential-v2', threadId, 'done')
    const credential = await sideOf('Bob').get(`command/credential/${id}`)
    assert.equal(credential.referent, id)
    assert.equal(credential.cred_def_id, definitionId)
    return id
  }

  const proposalOver = (connectionId?: string) => ({
    credential_preview: PREVIEW,
    filter: { anoncreds: { cred_def_id: definitionId } },
    connection_id: connectionId,
  })

  async function prove(threadId: string, credentialId: string): Promise<void> {
    await sideOf('Bob').post('proof-v2/send-presentation', { id: threadId, data: presentationOf(credentialId) })
    const { state, verified } = await sideOf('Faber').post('proof-v2/verify-presentation', { id: threadId })
    assert.deepEqual({ state, verified }, { state: 'done', verified: 'true' })
    await isIn(sideOf('Bob'), 'proof-v2', threadId, 'done')
  }

  test('T001-RFC0453: a credential that the holder proposes', async () => {
    const [, toAcme] = await connect(sideOf('Acme'), sideOf('Bob'))
    const { thread_id: threadId } = await sideOf('Bob').post('issue-credential-v2/send-proposal', {
      data: proposalOver(toAcme),
    })
    await sideOf('Acme').post('issue-credential-v2/send-offer', { id: threadId })
    const id = await issue(threadId)
    await sideOf('Bob').delete(`credential/${id}`)
    assert.equal((await fetch(`${sideOf('Bob').url}/agent/command/credential/${id}`)).status, 404)
  })

  test('T001-RFC0454b: a proof of what was issued, with a predicate', async () => {
    const [toBob] = await connect(sideOf('Acme'), sideOf('Bob'))
    const offer = { data: proposalOver(toBob) }
    const { thread_id: offered } = await sideOf('Acme').post('issue-credential-v2/send-offer', offer)
    const credentialId = await issue(offered)
    const [toProver] = await connect(sideOf('Faber'), sideOf('Bob'))
    const { thread_id: asked } = await sideOf('Faber').post('proof-v2/send-request', { data: requestFor(toProver) })
    await prove(asked, credentialId)
  })

  test('T002-RFC0434 and T004-RFC0434: a credential and a proof without a connection', async () => {
    const [acme, bob, faber] = [sideOf('Acme'), sideOf('Bob'), sideOf('Faber')]
    const handOver = async (from: BackchannelSide, message: unknown) => {
      const data = { attachments: [message] }
      const { invitation } = await from.post('out-of-band/send-invitation-message', { data })
      const received = { ...invitation, use_existing_connection: false }
      assert.deepEqual(await bob.post('out-of-band/receive-invitation', { data: received }), {
        state: 'invitation-received',
      })
    }
    const offer = await acme.post('issue-credential-v2/create-offer', { data: proposalOver() })
    await handOver(acme, offer.message)
    const credentialId = await issue(offer.record.thread_id)
    const request = await faber.post('proof-v2/create-request', { data: requestFor() })
    await handOver(faber, request.message)
    await prove(request.record.thread_id, credentialId)
  })

  test('T001.2a-HIPE0011: revoked, and proven to one who does not care; and the holder was told', async () => {
    const [acme, bob] = [sideOf('Acme'), sideOf('Bob')]
    const [toBob] = await connect(acme, bob)
    const { thread_id: threadId } = await acme.post('issue-credential-v2/send-offer', { data: proposalOver(toBob) })
    const credentialId = await issue(threadId)
    const named = await acme.get(`response/revocation-registry/${threadId}`)
    assert.deepEqual(await bob.get(`response/revocation-notification/${threadId}`), {}, 'not yet')
    const revocation = { cred_rev_id: named.revocation_id, rev_registry_id: named.revoc_reg_id }
    await acme.post('revocation/revoke', { data: { ...revocation, publish_immediately: true, anoncreds: true } })
    const told = `response/revocation-notification/anoncreds::${named.revoc_reg_id}::${named.revocation_id}`
    await isIn(
      { stateOf: async () => ((await bob.get(told)).thread_id ? 'told' : 'not told') },
      'revocation',
      '',
      'told',
    )
    assert.equal((await bob.get(`command/credential/revoked/${credentialId}`)).revoked, true)
    const [toProver] = await connect(sideOf('Faber'), bob)
    const { thread_id: asked } = await sideOf('Faber').post('proof-v2/send-request', { data: requestFor(toProver) })
    await prove(asked, credentialId)
  })
})

describe('the backchannel', () => {
  test('T007-RFC0023: a step after the last one is refused, and changes nothing', async () => {
    const [id, theirs] = await exchangeDids(sideOf('Bob'), sideOf('Acme'))
    assert.equal(await sideOf('Bob').statusOf('did-exchange/send-response', { id }), 400)
    assert.equal(await sideOf('Bob').stateOf('did-exchange', id), 'completed')
    assert.equal(await sideOf('Acme').stateOf('did-exchange', theirs), 'completed')
  })

  test('says 501 and why for what the gateway has not, and 404 for what is not there', async () => {
    const acme = sideOf('Acme')
    assert.deepEqual(await acme.get('command/status'), { status: 'Active' })
    const unmapped: [string, object][] = [
      ['out-of-band/send-invitation-message', { use_did_method: 'did:peer:2' }],
      ['did-exchange/send-request', { use_did: 'did:peer:2' }],
      ['issue-credential-v2/prepare-json-ld', {}],
      ['issue-credential-v2/send-offer', { filter: { indy: { cred_def_id: 'a definition' } } }],
      ['issue-credential/send-offer', {}],
      ['agent/start', { parameters: { inbound_transports: ['ws'] } }],
      ['oob-v2/create-invitation', {}],
    ]
    for (const [path, data] of unmapped) assert.equal(await acme.statusOf(path, { data }), 501, path)
    assert.equal(await acme.statusOf('agent/start', { data: { parameters: {} } }), 200)
    for (const topic of ['connection', 'issue-credential-v2', 'proof-v2', 'credential', 'schema'])
      assert.equal((await fetch(`${acme.url}/agent/command/${topic}/nothing`)).status, 404, topic)
  })

  test('does not start for a token that is no tenant’s', async () => {
    const options = { port: 0, gateway: gateway.url, version: '0' }
    await assert.rejects(startBackchannel({ ...options, token: 'none' }), /UNAUTHENTICATED/)
  })
})
