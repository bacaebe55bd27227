import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { type AnyEvent, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { allOf } from './many.js'
import { OutsideHolder } from './outside-holder.js'
import { attachedTo, type Line, Rogue, threadOf } from './rogue.js'
import { attributesOf, type Issuer, makeIssuer, OPERATIONS } from './story.js'

const ISSUE = 'issue-credential/2.0'
const FORMATS = {
  filters: 'anoncreds/credential-filter@v1.0',
  offers: 'anoncreds/credential-offer@v1.0',
  requests: 'anoncreds/credential-request@v1.0',
  credentials: 'anoncreds/credential@v1.0',
} as const
/** What no step takes. */
const NOTHINGS = [null, [], 'it', {}, 7]
const LONG_AGO = { '~timing': { expires_time: '2024-01-01T00:00:00Z' } }
const LIST = `query($threadId: ID!) { credentialExchanges(filter: {threadId: $threadId}) { nodes { id } } }`
const INDY = 'V4SGRU86Z58d6TV7PBUe6f'
const ACCEPT_PROPOSAL = `mutation($input: AcceptCredentialProposalInput!) {
  acceptCredentialProposal(input: $input) { credentialExchange { id } } }`

describe('an issue', () => {
  const workers = new AnonCredsWorkers()
  let store: TestStore
  let gateway: TestGateway
  let rogue: Rogue
  let other: Rogue
  let outside: OutsideHolder
  let issuer: Issuer
  let holder: TestTenant
  let toIssuer: Line
  let toHolder: Line
  let otherToIssuer: Line
  let otherToHolder: Line

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, rogue, other] = await Promise.all([startGateway(store), Rogue.create(), Rogue.create()])
    ;[issuer, holder] = await Promise.all([
      makeIssuer(gateway.url, { revocable: true, revocationRegistrySize: 100 }),
      makeTenant(gateway.url),
    ])
    outside = await OutsideHolder.create(workers, rogue)
    toIssuer = await rogue.connectTo(issuer)
    toHolder = await rogue.connectTo(holder)
    otherToIssuer = await other.connectTo(issuer)
    otherToHolder = await other.connectTo(holder)
  })
  after(async () => {
    await Promise.all([rogue?.close(), other?.close(), gateway?.stop(), workers.stop()])
    await store?.remove()
  })

  const send = (
    line: Line,
    step: string,
    threadId: string | undefined,
    attach: keyof typeof FORMATS,
    data: unknown,
    more: object = {},
    by = rogue,
  ) =>
    by.send(line, `${ISSUE}/${step}`, threadId, {
      attach,
      format: FORMATS[attach],
      data,
      ...(/^(propose|offer)/.test(step) ? previewOf('Ada') : {}),
      ...more,
    })

  const previewOf = (name: string) => ({
    credential_preview: { '@type': `https://didcomm.org/${ISSUE}/credential-preview`, attributes: attributesOf(name) },
  })

  const exchange = async ({ client }: TestTenant, id: string): Promise<AnyEvent> =>
    (await client.ask(OPERATIONS.exchange, { id })).credentialExchange

  const inThread = async ({ client }: TestTenant, threadId: string): Promise<string[]> =>
    (await client.ask(LIST, { threadId })).credentialExchanges.nodes.map(({ id }: AnyEvent) => id)

  const reportOn = (sent: AnyEvent, by = rogue) => by.reportOn(sent)

  /** That a step which does not hold has ended the exchange, and both sides are told why. */
  async function assertAbandoned(tenant: TestTenant, id: string, sent: AnyEvent, reason: string): Promise<void> {
    const ended = await eventually(async () => {
      const found = await exchange(tenant, id)
      return found.state === 'ABANDONED' && found
    })
    assert.equal(ended.errorMessage, reason)
    assert.equal((await reportOn(sent)).en, reason)
  }

  const heldBy = async (tenant: TestTenant) =>
    (await allOf(tenant, 'credentials', 'attributes')).map(({ attributes }) => attributes.name).sort()

  /** The issuer offers, to the outside agent. */
  async function offer(name = 'Ada') {
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: toIssuer.connectionId,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf(name),
      },
    })
    const { id, threadId } = offerCredential.credentialExchange
    const message = await rogue.received('/offer-credential', (one) => threadOf(one) === threadId)
    return { id, threadId, offer: attachedTo(message, 'offers') }
  }

  /** The outside agent offers what it likes, to the holder. */
  const passOn = (data: unknown, more: object = {}) =>
    send(toHolder, 'offer-credential', undefined, 'offers', data, more)

  const arrived = async (threadId: string) => eventually(async () => (await inThread(holder, threadId))[0])

  /** The agent in the middle: what the issuer has offered it, offered to the holder, and accepted. */
  async function inBetween(name = 'Ada') {
    const offered = await offer(name)
    const message = await passOn(offered.offer, previewOf(name))
    const threadId = message['@id'] as string
    const id = await arrived(threadId)
    await holder.client.ask(OPERATIONS.acceptOffer, { id })
    const request = await rogue.received('/request-credential', (one) => threadOf(one) === threadId)
    return { offered, id, threadId, request: attachedTo(request, 'requests') }
  }

  /** Has what the holder requests issued. */
  async function issued({ offered, request }: Awaited<ReturnType<typeof inBetween>>): Promise<AnyEvent> {
    await send(toIssuer, 'request-credential', offered.threadId, 'requests', request)
    const message = await rogue.received('/issue-credential', (one) => threadOf(one) === offered.threadId)
    return attachedTo(message, 'credentials')
  }

  test('is not begun by a proposal that is none, has expired, or was there before', async () => {
    const proposal = { cred_def_id: issuer.definitionId }
    const before = (await allOf(issuer, 'credentialExchanges', 'id')).length
    for (const nothing of [null, '', 0]) {
      await reportOn(await send(toIssuer, 'propose-credential', undefined, 'filters', nothing))
    }
    const late = await send(toIssuer, 'propose-credential', undefined, 'filters', proposal, LONG_AGO)
    assert.equal((await reportOn(late)).code, 'message-expired')
    assert.equal((await allOf(issuer, 'credentialExchanges', 'id')).length, before)
    const good = await send(toIssuer, 'propose-credential', undefined, 'filters', proposal)
    const threadId = good['@id'] as string
    const id = await eventually(async () => (await inThread(issuer, threadId))[0])
    // Again, and by somebody else.
    await reportOn(await send(toIssuer, 'propose-credential', undefined, 'filters', {}, { '@id': threadId }))
    const again = { '@id': threadId }
    await reportOn(await send(otherToIssuer, 'propose-credential', undefined, 'filters', proposal, again, other), other)
    assert.deepEqual(await inThread(issuer, threadId), [id])
    const { state, credentialDefinitionId } = await exchange(issuer, id)
    assert.deepEqual([state, credentialDefinitionId], ['PROPOSAL_RECEIVED', issuer.definitionId])
  })

  test('is not gone on with by an offer that is none, has expired, or refers to what does not hold', async () => {
    const { offer: good } = await offer()
    for (const nothing of NOTHINGS) {
      const sent = await passOn(nothing)
      await reportOn(sent)
      assert.deepEqual(await inThread(holder, sent['@id'] as string), [])
    }
    const late = await passOn(good, LONG_AGO)
    assert.equal((await reportOn(late)).code, 'message-expired')
    const proof = good.key_correctness_proof
    const shallow = [
      { ...good, cred_def_id: `${good.cred_def_id.slice(0, -3)}zzz` },
      { ...good, cred_def_id: 'did:example:1/it' },
      { ...good, schema_id: issuer.definitionId },
      { ...good, key_correctness_proof: { ...proof, c: `${proof.c.slice(0, -1)}${proof.c.endsWith('1') ? 2 : 1}` } },
      { ...good, key_correctness_proof: null },
      { ...good, nonce: 'x' },
    ]
    for (const data of shallow) {
      const id = await arrived((await passOn(data))['@id'] as string)
      assert.equal(await holder.client.codeOf(OPERATIONS.acceptOffer, { id }), 'PROTOCOL_ERROR')
      assert.equal((await exchange(holder, id)).state, 'OFFER_RECEIVED')
      const { declineCredentialOffer } = await holder.client.ask(OPERATIONS.declineOffer, { id, reason: 'No' })
      assert.equal(declineCredentialOffer.credentialExchange.state, 'DECLINED')
    }
    // An offer that comes again is still one.
    const { '@id': threadId } = await passOn(good)
    const id = await arrived(threadId as string)
    await reportOn(await passOn(good, { '@id': threadId, ...previewOf('Root') }))
    assert.deepEqual(await inThread(holder, threadId as string), [id])
    assert.equal((await exchange(holder, id)).attributes[0].value, 'Ada')
  })

  test('ends where the request does not hold, and takes no place in a registry', async () => {
    const REASON = 'The request that came does not hold.'
    const first = await outside.obtain(issuer, toIssuer, 'before')
    const changes: ((request: AnyEvent) => void)[] = [
      (request) => Object.assign(request, { cred_def_id: `${request.cred_def_id}x` }),
      (request) => Object.assign(request.blinded_ms, { u: `${BigInt(request.blinded_ms.u) + 1n}` }),
      (request) =>
        Object.assign(request.blinded_ms_correctness_proof, {
          c: `${BigInt(request.blinded_ms_correctness_proof.c) + 1n}`,
        }),
    ]
    for (const change of changes) {
      const { id, threadId, offer: offered } = await offer()
      const { credentialRequest } = await outside.requestFor(offered)
      change(credentialRequest)
      const sent = await send(toIssuer, 'request-credential', threadId, 'requests', credentialRequest)
      await assertAbandoned(issuer, id, sent, REASON)
    }
    for (const nothing of NOTHINGS) {
      const { id, threadId } = await offer()
      const sent = await send(toIssuer, 'request-credential', threadId, 'requests', nothing)
      await assertAbandoned(issuer, id, sent, REASON)
    }
    // What was requested for one offer is not for another.
    const [one, two] = [await offer(), await offer()]
    const { credentialRequest } = await outside.requestFor(one.offer)
    const sent = await send(toIssuer, 'request-credential', two.threadId, 'requests', credentialRequest)
    await assertAbandoned(issuer, two.id, sent, REASON)

    // Over another connection, of no thread, too late, or before its time, it changes nothing.
    const ofOther = await send(
      otherToIssuer,
      'request-credential',
      one.threadId,
      'requests',
      credentialRequest,
      {},
      other,
    )
    await reportOn(ofOther, other)
    await reportOn(await send(toIssuer, 'request-credential', randomUUID(), 'requests', credentialRequest))
    const late = await send(toIssuer, 'request-credential', one.threadId, 'requests', credentialRequest, LONG_AGO)
    assert.equal((await reportOn(late)).code, 'message-expired')
    await rogue.send(toIssuer, `${ISSUE}/ack`, one.threadId, { status: 'OK' })
    await other.send(otherToIssuer, `${ISSUE}/problem-report`, one.threadId, {
      description: { en: 'never mind', code: 'issuance-abandoned' },
    })
    const last = await outside.obtain(issuer, toIssuer, 'after')
    assert.equal(last.index, first.index + 1)
    assert.equal((await exchange(issuer, one.id)).state, 'OFFER_SENT')

    // In time it is answered once, however often it comes.
    await send(toIssuer, 'request-credential', one.threadId, 'requests', credentialRequest)
    const answers = () =>
      rogue.inbox.filter(
        (message) => message['@type'].endsWith('/issue-credential') && threadOf(message) === one.threadId,
      )
    await eventually(async () => answers().length === 1)
    await send(toIssuer, 'request-credential', one.threadId, 'requests', credentialRequest)
    await other.send(otherToIssuer, `${ISSUE}/ack`, one.threadId, { status: 'OK' })
    const behind = await outside.obtain(issuer, toIssuer, 'behind')
    assert.equal(behind.index, last.index + 2)
    assert.equal(answers().length, 1)
    assert.equal((await exchange(issuer, one.id)).state, 'CREDENTIAL_ISSUED')
  })

  test('ends where the credential does not hold, and leaves none', async () => {
    const REASON = 'The credential that came does not hold.'
    const before = await heldBy(holder)
    const whole = await inBetween()
    const replayed = await issued(whole)
    const changes: ((credential: AnyEvent) => void)[] = [
      ({ values }) => Object.assign(values.name, { raw: 'Root' }),
      ({ values }) => Object.assign(values.name, { encoded: '7' }),
      ({ values }) => delete values.name,
      ({ values }) => Object.assign(values, { more: { raw: '7', encoded: '7' } }),
      ({ signature }) => Object.assign(signature.p_credential, { a: `${BigInt(signature.p_credential.a) + 1n}` }),
      (credential) => Object.assign(credential, { rev_reg_id: `${credential.rev_reg_id}x` }),
      (credential) => Object.assign(credential, { rev_reg_id: null, rev_reg: null, witness: null }),
      (credential) => Object.assign(credential, { cred_def_id: issuer.schemaId }),
      (credential) => Object.assign(credential, replayed),
    ]
    for (const change of changes) {
      const between = await inBetween()
      const credential = await issued(between)
      change(credential)
      const sent = await send(toHolder, 'issue-credential', between.threadId, 'credentials', credential)
      await assertAbandoned(holder, between.id, sent, REASON)
    }
    for (const nothing of NOTHINGS) {
      const { id, threadId } = await inBetween()
      const sent = await send(toHolder, 'issue-credential', threadId, 'credentials', nothing)
      await assertAbandoned(holder, id, sent, REASON)
    }
    // What was shown with the offer is what it has to state.
    const { '@id': threadId } = await passOn((await offer()).offer, previewOf('Root'))
    const shown = await arrived(threadId as string)
    // Before it is asked for, it changes nothing.
    await reportOn(await send(toHolder, 'issue-credential', threadId as string, 'credentials', replayed))
    assert.equal((await exchange(holder, shown)).state, 'OFFER_RECEIVED')
    assert.deepEqual(await heldBy(holder), before)

    // Over another connection or too late it changes nothing, and what holds is held, once.
    const ofOther = await send(otherToHolder, 'issue-credential', whole.threadId, 'credentials', replayed, {}, other)
    await reportOn(ofOther, other)
    const late = await send(toHolder, 'issue-credential', whole.threadId, 'credentials', replayed, LONG_AGO)
    assert.equal((await reportOn(late)).code, 'message-expired')
    assert.equal((await exchange(holder, whole.id)).state, 'REQUEST_SENT')
    for (let times = 0; times < 2; times++) {
      await send(toHolder, 'issue-credential', whole.threadId, 'credentials', replayed)
      await eventually(async () => (await exchange(holder, whole.id)).state === 'DONE')
    }
    assert.deepEqual(await heldBy(holder), [...before, 'Ada'])
  })

  test('is gone on with as long as what waits has not expired', async () => {
    const { offer: good } = await offer()
    const inTwoSeconds = { '~timing': { expires_time: new Date(Date.now() + 2000).toISOString() } }
    const id = await arrived((await passOn(good, inTwoSeconds))['@id'] as string)
    const proposal = { cred_def_id: issuer.definitionId }
    const proposed = await send(toIssuer, 'propose-credential', undefined, 'filters', proposal, inTwoSeconds)
    const proposalId = await eventually(async () => (await inThread(issuer, proposed['@id'] as string))[0])
    await sleep(2100)
    assert.equal(await holder.client.codeOf(OPERATIONS.acceptOffer, { id }), 'PROTOCOL_ERROR')
    assert.equal(await issuer.client.codeOf(ACCEPT_PROPOSAL, { input: { exchangeId: proposalId } }), 'PROTOCOL_ERROR')
    const { declineCredentialOffer } = await holder.client.ask(OPERATIONS.declineOffer, { id })
    assert.equal(declineCredentialOffer.credentialExchange.state, 'DECLINED')
  })

  test('is done by the ack of its own holder in time, and stays so', async () => {
    const ack = (line: Line, threadId: string, more: object = {}, by = rogue) =>
      by.send(line, `${ISSUE}/ack`, threadId, { status: 'OK', ...more })
    const { id, threadId, offer: offered } = await offer()
    await rogue.reportOn(await ack(toIssuer, threadId))
    assert.equal((await exchange(issuer, id)).state, 'OFFER_SENT')
    const { credentialRequest } = await outside.requestFor(offered)
    await send(toIssuer, 'request-credential', threadId, 'requests', credentialRequest)
    await rogue.received('/issue-credential', (one) => threadOf(one) === threadId)

    await rogue.reportOn(await ack(toIssuer, randomUUID()))
    await other.reportOn(await ack(otherToIssuer, threadId, {}, other))
    const late = await ack(toIssuer, threadId, LONG_AGO)
    assert.equal((await reportOn(late)).code, 'message-expired')
    await rogue.reportOn(await ack(toIssuer, threadId, { status: 'FAIL' }))
    await ack(toIssuer, threadId, { status: 'PENDING' })
    assert.equal((await exchange(issuer, id)).state, 'CREDENTIAL_ISSUED')
    await ack(toIssuer, threadId)
    await eventually(async () => (await exchange(issuer, id)).state === 'DONE')
    await rogue.reportOn(await ack(toIssuer, threadId))
    assert.equal((await exchange(issuer, id)).state, 'DONE')

    // A holder is told nothing by an ack.
    const between = await inBetween()
    await rogue.reportOn(await ack(toHolder, between.threadId))
    assert.equal((await exchange(holder, between.id)).state, 'REQUEST_SENT')
  })

  test('by an older agent (issue credential 1.0) is not begun by an offer that is none, or has expired', async () => {
    const sendV1 = (data: unknown, more: object = {}, line = toHolder, by = rogue) =>
      by.send(line, 'issue-credential/1.0/offer-credential', undefined, {
        credential_preview: {
          '@type': 'https://didcomm.org/issue-credential/1.0/credential-preview',
          attributes: attributesOf('Ada'),
        },
        'offers~attach': [
          {
            '@id': 'libindy-cred-offer-0',
            'mime-type': 'application/json',
            data: { base64: Buffer.from(JSON.stringify(data)).toString('base64') },
          },
        ],
        ...more,
      })
    const before = await heldBy(holder)
    for (const nothing of NOTHINGS) {
      const sent = await sendV1(nothing)
      await reportOn(sent)
      assert.deepEqual(await inThread(holder, sent['@id'] as string), [])
    }
    const { offer: ours } = await offer()
    // It is only spoken of by the names that Indy had before DIDs.
    const unnamed = await sendV1(ours)
    await reportOn(unnamed)
    const good = { ...ours, schema_id: `${INDY}:2:degree:1.0`, cred_def_id: `${INDY}:3:CL:12:default` }
    const late = await sendV1(good, LONG_AGO)
    assert.equal((await reportOn(late)).code, 'message-expired')
    const { '@id': threadId } = await sendV1(good)
    const id = await arrived(threadId as string)
    await reportOn(await sendV1(good, { '@id': threadId }))
    assert.deepEqual(await inThread(holder, threadId as string), [id])
    const shown = await exchange(holder, id)
    assert.deepEqual(
      [shown.state, shown.attributes, shown.credentialDefinitionId],
      ['OFFER_RECEIVED', attributesOf('Ada'), good.cred_def_id],
    )
    // There is no ledger here.
    assert.equal(await holder.client.codeOf(OPERATIONS.acceptOffer, { id }), 'PROTOCOL_ERROR')
    assert.deepEqual(await heldBy(holder), before)
  })
})
