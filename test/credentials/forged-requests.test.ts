import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { allOf } from './many.js'
import { attachedTo, type Line, Rogue, threadOf } from './rogue.js'
import { type Issuer, issue, makeIssuer, OPERATIONS, proofRequest, prove } from './story.js'

const PROVE = 'present-proof/2.0'
const PROVE_V1 = 'present-proof/1.0'
const FORMAT = 'anoncreds/proof-request@v1.0'
const INDY = 'V4SGRU86Z58d6TV7PBUe6f'
const LONG_AGO = { '~timing': { expires_time: '2024-01-01T00:00:00Z' } }
const inSeconds = (seconds: number) => ({
  '~timing': { expires_time: new Date(Date.now() + seconds * 1000).toISOString() },
})
const LIST = `query($threadId: ID!) { proofExchanges(filter: {threadId: $threadId}) { nodes { id state role } } }`
const PROPOSE = `mutation($input: ProposeProofInput!) { proposeProof(input: $input) { proofExchange { id threadId } } }`
const ACCEPT_PROPOSAL = `mutation($input: AcceptProofProposalInput!) {
  acceptProofProposal(input: $input) { proofExchange { id } } }`
const DECLINE_PROPOSAL = 'mutation($id: ID!) { declineProofProposal(exchangeId: $id) { proofExchange { state } } }'

describe('a proof exchange', () => {
  let store: TestStore
  let gateway: TestGateway
  let rogue: Rogue
  let other: Rogue
  let issuer: Issuer
  let verifier: TestTenant
  let prover: TestTenant
  let link: { inviter: string; invitee: string }
  let toVerifier: Line
  let toProver: Line
  let otherToVerifier: Line
  let otherToProver: Line

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, rogue, other] = await Promise.all([startGateway(store), Rogue.create(), Rogue.create()])
    ;[issuer, verifier, prover] = await Promise.all([
      makeIssuer(gateway.url),
      makeTenant(gateway.url),
      makeTenant(gateway.url),
    ])
    await issue(issuer, prover, await connect(issuer, prover), 'Ada')
    link = await connect(verifier, prover)
    toVerifier = await rogue.connectTo(verifier)
    toProver = await rogue.connectTo(prover)
    otherToVerifier = await other.connectTo(verifier)
    otherToProver = await other.connectTo(prover)
  })
  after(async () => {
    await Promise.all([rogue?.close(), other?.close(), gateway?.stop()])
    await store?.remove()
  })

  const send = (
    line: Line,
    step: 'propose' | 'request',
    threadId: string | undefined,
    data: unknown,
    more: object = {},
    by = rogue,
  ) =>
    by.send(line, `${PROVE}/${step}-presentation`, threadId, {
      attach: step === 'propose' ? 'proposals' : 'request_presentations',
      format: FORMAT,
      data,
      ...more,
    })

  const present = (line: Line, threadId: string, data: unknown, more: object = {}, by = rogue) =>
    by.send(line, `${PROVE}/presentation`, threadId, {
      attach: 'presentations',
      format: 'anoncreds/proof@v1.0',
      data,
      last_presentation: true,
      ...more,
    })

  const ack = (line: Line, threadId: string, more: object = {}, by = rogue, protocol = PROVE) =>
    by.send(line, `${protocol}/ack`, threadId, { status: 'OK', ...more })

  /** Of what can be asked. */
  const asked = () => ({ name: 'Entry', version: '1.0', nonce: '1234567890', ...proofRequest(issuer) })

  /** What is no request, and what looks like one. */
  const noRequests = (): unknown[] => {
    const good = asked()
    const { who } = good.requested_attributes
    const { recent } = good.requested_predicates
    return [
      ...[null, [], 'it', {}, 7],
      ...[
        { ...good, requested_attributes: 'all' },
        { ...good, requested_attributes: { who: {} } },
      ],
      ...[{ ...good, requested_attributes: { who: { ...who, name: 7 } } }],
      ...[{ ...good, requested_attributes: { who: { ...who, restrictions: [{ cred_def_id: 7 }] } } }],
      ...[{ ...good, requested_predicates: { recent: { ...recent, p_type: '==' } } }],
      ...[
        { ...good, nonce: undefined },
        { ...good, version: 7 },
        { ...good, non_revoked: 'always' },
      ],
      // Too much to be looked at.
      ...[
        { ...good, requested_attributes: Object.fromEntries(Array.from({ length: 225 }, (_, n) => [n, who])) },
        { ...good, requested_attributes: { who: { ...who, restrictions: Array(501).fill({ cred_def_id: 'it' }) } } },
        {
          ...good,
          requested_predicates: { recent: { ...recent, restrictions: Array(501).fill({ issuer_id: 'it' }) } },
        },
        { ...good, requested_attributes: { who: { names: Array(126).fill('name'), restrictions: [] } } },
        {
          ...good,
          requested_attributes: Object.fromEntries(
            Array.from({ length: 21 }, (_, n) => [n, { ...who, restrictions: Array(500).fill({ issuer_id: 'it' }) }]),
          ),
        },
      ],
    ]
  }

  const exchange = async ({ client }: TestTenant, id: string): Promise<AnyEvent> =>
    (await client.ask(OPERATIONS.proof, { id })).proofExchange

  const inThread = async ({ client }: TestTenant, threadId: string): Promise<AnyEvent[]> =>
    (await client.ask(LIST, { threadId })).proofExchanges.nodes

  const arrived = (tenant: TestTenant, { '@id': threadId }: AnyEvent) =>
    eventually(async () => (await inThread(tenant, threadId))[0]?.id as string | undefined)

  const propose = async () => {
    const { proposeProof } = await prover.client.ask(PROPOSE, {
      input: { connectionId: toProver.connectionId, name: 'Entry', request: proofRequest(issuer), autoAccept: 'NEVER' },
    })
    return proposeProof.proofExchange as { id: string; threadId: string }
  }

  async function assertExpired(sent: AnyEvent): Promise<void> {
    assert.equal((await rogue.reportOn(sent)).code, 'message-expired')
  }

  /** That the prover has what it had, and proves it. */
  async function assertUnharmed(): Promise<void> {
    assert.equal((await allOf(prover, 'credentials', 'id')).length, 1)
    const { state, verified, revealed } = await prove(verifier, prover, link, proofRequest(issuer))
    assert.deepEqual([state, verified, revealed], ['DONE', true, { who: 'Ada' }])
  }

  test('is not begun by a proposal that is none, has expired, or was there before', async () => {
    for (const nothing of noRequests()) {
      const sent = await send(toVerifier, 'propose', undefined, nothing)
      await rogue.reportOn(sent)
      assert.deepEqual(await inThread(verifier, sent['@id'] as string), [])
    }
    await rogue.reportOn(await send(toVerifier, 'propose', undefined, asked(), { formats: [] }))
    const late = await send(toVerifier, 'propose', undefined, asked(), LONG_AGO)
    await assertExpired(late)
    assert.deepEqual(await inThread(verifier, late['@id'] as string), [])

    const good = await send(toVerifier, 'propose', undefined, asked())
    const threadId = good['@id'] as string
    const id = await arrived(verifier, good)
    await rogue.reportOn(
      await send(toVerifier, 'propose', undefined, { ...asked(), name: 'Else' }, { '@id': threadId }),
    )
    assert.deepEqual(await inThread(verifier, threadId), [{ id, state: 'PROPOSAL_RECEIVED', role: 'VERIFIER' }])
    assert.equal((await exchange(verifier, id)).request.name, 'Entry')
    // One that cannot be asked as it is waits for the verifier.
    const wide = await send(toVerifier, 'propose', undefined, { ...asked(), non_revoked: { from: 9, to: 0 } })
    const wideId = await arrived(verifier, wide)
    assert.equal(await verifier.client.codeOf(ACCEPT_PROPOSAL, { input: { exchangeId: wideId } }), 'CONFLICT')
    await verifier.client.ask(DECLINE_PROPOSAL, { id: wideId })
    // Another thread of the same id is another's.
    const foreign = await send(otherToVerifier, 'propose', undefined, asked(), { '@id': threadId }, other)
    await eventually(async () => (await inThread(verifier, foreign['@id'])).length === 2)
    await verifier.client.ask(ACCEPT_PROPOSAL, { input: { exchangeId: id } })
    await rogue.received('/request-presentation', (one) => threadOf(one) === threadId)
    assert.equal((await exchange(verifier, id)).connectionId, toVerifier.connectionId)
  })

  test('is not begun by a request that is none, has expired, or was there before', async () => {
    for (const nothing of noRequests()) {
      const sent = await send(toProver, 'request', undefined, nothing)
      await rogue.reportOn(sent)
      assert.deepEqual(await inThread(prover, sent['@id'] as string), [])
    }
    await rogue.reportOn(await send(toProver, 'request', undefined, asked(), { formats: [] }))
    const late = await send(toProver, 'request', undefined, asked(), LONG_AGO)
    await assertExpired(late)
    assert.deepEqual(await inThread(prover, late['@id'] as string), [])

    // What cannot be answered can be declined.
    const { who } = asked().requested_attributes
    const shallow = [
      { ...asked(), nonce: 'x' },
      { ...asked(), requested_attributes: { who: { ...who, restrictions: [{ $or: 'x' }] } } },
      { ...asked(), requested_attributes: {}, requested_predicates: {} },
    ]
    for (const data of shallow) {
      const id = await arrived(prover, await send(toProver, 'request', undefined, data))
      const accept = { input: { exchangeId: id } }
      assert.equal(await prover.client.codeOf(OPERATIONS.acceptProof, accept), 'PROTOCOL_ERROR')
      assert.equal((await exchange(prover, id)).state, 'REQUEST_RECEIVED')
      const { declineProofRequest } = await prover.client.ask(OPERATIONS.declineProof, { id })
      assert.equal(declineProofRequest.proofExchange.state, 'DECLINED')
    }

    const good = await send(toProver, 'request', undefined, asked())
    const threadId = good['@id'] as string
    const id = await arrived(prover, good)
    const again = { '@id': threadId }
    const easier = { ...asked(), requested_predicates: {} }
    await rogue.reportOn(await send(toProver, 'request', undefined, easier, again))
    await other.reportOn(await send(otherToProver, 'request', undefined, easier, again, other))
    assert.deepEqual(await inThread(prover, threadId), [{ id, state: 'REQUEST_RECEIVED', role: 'PROVER' }])
    assert.ok((await exchange(prover, id)).request.requested_predicates.recent)
    await assertUnharmed()
  })

  test('may ask for a whole schema, by many definitions', async () => {
    const names = Array.from({ length: 125 }, (_, n) => `name ${n}`)
    const { who } = asked().requested_attributes
    const others = Array.from({ length: 400 }, (_, n) => ({ cred_def_id: `it ${n}` }))
    const requested_attributes = {
      ...Object.fromEntries(names.map((name) => [name, { name }])),
      all: { names, restrictions: [] },
      who: { ...who, restrictions: [...others, ...who.restrictions] },
    }
    const id = await arrived(prover, await send(toProver, 'request', undefined, { ...asked(), requested_attributes }))
    const { credentialsForProof } = await prover.client.ask(OPERATIONS.fitting, { id })
    assert.deepEqual([credentialsForProof.who.length, credentialsForProof.all.length], [1, 0])
    await prover.client.ask(OPERATIONS.declineProof, { id })
  })

  test('is answered at once where an identifier in it would take for ever to read', async () => {
    const { who } = asked().requested_attributes
    const rev_reg_id = `${INDY}:4:${INDY}:3:CL:1:${':CL_ACCUM:'.repeat(30_000)}\n`
    const data = {
      ...asked(),
      // It is read for each of them.
      requested_attributes: {
        ...Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`any ${n}`, { name: 'name' }])),
        who: { ...who, restrictions: [{ rev_reg_id }, ...who.restrictions] },
      },
    }
    const id = await arrived(prover, await send(toProver, 'request', undefined, data))
    const { credentialsForProof } = await prover.client.ask(OPERATIONS.fitting, { id })
    assert.equal(credentialsForProof.who.length, 1)
    await prover.client.ask(OPERATIONS.declineProof, { id })
    await assertUnharmed()
  })

  test('ends where what was proposed is answered by no request', async () => {
    for (const nothing of noRequests()) {
      const { id, threadId } = await propose()
      const sent = await send(toProver, 'request', threadId, nothing)
      const ended = await eventually(async () => {
        const found = await exchange(prover, id)
        return found.state === 'ABANDONED' && found
      })
      assert.equal(ended.errorMessage, 'The request that came does not hold.')
      assert.equal((await rogue.reportOn(sent)).en, ended.errorMessage)
    }
    // Over another connection, of no thread, too late, or before its time, it changes nothing.
    const { id, threadId } = await propose()
    await other.reportOn(await send(otherToProver, 'request', threadId, null, {}, other))
    await other.reportOn(await send(otherToProver, 'request', threadId, asked(), {}, other))
    await assertExpired(await send(toProver, 'request', threadId, asked(), LONG_AGO))
    await rogue.reportOn(await ack(toProver, threadId))
    await rogue.reportOn(await present(toProver, threadId, {}))
    assert.deepEqual(await inThread(prover, threadId), [{ id, state: 'PROPOSAL_SENT', role: 'PROVER' }])
    await send(toProver, 'request', threadId, asked())
    await eventually(async () => (await exchange(prover, id)).state === 'REQUEST_RECEIVED')
    await assertUnharmed()
  })

  test('is gone on with as long as what waits has not expired', async () => {
    const request = await arrived(prover, await send(toProver, 'request', undefined, asked(), inSeconds(2)))
    const proposal = await arrived(verifier, await send(toVerifier, 'propose', undefined, asked(), inSeconds(2)))
    const lasting = await arrived(prover, await send(toProver, 'request', undefined, asked(), inSeconds(60)))
    await sleep(2100)
    assert.equal(
      await prover.client.codeOf(OPERATIONS.acceptProof, { input: { exchangeId: request } }),
      'PROTOCOL_ERROR',
    )
    assert.equal(await verifier.client.codeOf(ACCEPT_PROPOSAL, { input: { exchangeId: proposal } }), 'PROTOCOL_ERROR')
    const { declineProofRequest } = await prover.client.ask(OPERATIONS.declineProof, { id: request })
    assert.equal(declineProofRequest.proofExchange.state, 'DECLINED')
    const { acceptProofRequest } = await prover.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: lasting } })
    assert.equal(acceptProofRequest.proofExchange.state, 'PRESENTATION_SENT')
  })

  test('is done by what its own other side sends in time, and stays so', async () => {
    // The agent in the middle: what it is asked it asks, and what it is told it tells.
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId: toVerifier.connectionId, name: 'Entry', request: proofRequest(issuer) },
    })
    const { id: verifying, threadId: its } = requestProof.proofExchange
    const asks = await rogue.received('/request-presentation', (one) => threadOf(one) === its)
    const request = attachedTo(asks, 'request_presentations')
    const passed = await send(toProver, 'request', undefined, request, { will_confirm: true })
    const threadId = passed['@id'] as string
    const proving = await arrived(prover, passed)
    // Before there is a presentation, there is nothing to acknowledge.
    await rogue.reportOn(await ack(toProver, threadId))
    assert.equal((await exchange(prover, proving)).state, 'REQUEST_RECEIVED')
    await prover.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: proving } })
    const shown = await rogue.received('/presentation', (one) => threadOf(one) === threadId)
    const presentation = attachedTo(shown, 'presentations')

    await assertExpired(await present(toVerifier, its, presentation, LONG_AGO))
    await rogue.reportOn(await present(toVerifier, randomUUID(), presentation))
    await other.reportOn(await present(otherToVerifier, its, presentation, {}, other))
    await rogue.reportOn(await ack(toVerifier, its))
    assert.deepEqual(await inThread(verifier, its), [{ id: verifying, state: 'REQUEST_SENT', role: 'VERIFIER' }])
    await present(toVerifier, its, presentation)
    await rogue.received('/ack', (one) => threadOf(one) === its)
    const done = await exchange(verifier, verifying)
    assert.deepEqual([done.state, done.verified, done.revealed], ['DONE', true, { who: 'Ada' }])
    await rogue.reportOn(await present(toVerifier, its, presentation))

    await rogue.reportOn(await send(toProver, 'request', undefined, asked(), { '@id': threadId }))
    await rogue.reportOn(await present(toProver, threadId, presentation))
    await rogue.reportOn(await ack(toProver, randomUUID()))
    await other.reportOn(await ack(otherToProver, threadId, {}, other))
    await assertExpired(await ack(toProver, threadId, LONG_AGO))
    await rogue.reportOn(await ack(toProver, threadId, { status: 'FAIL' }))
    await ack(toProver, threadId, { status: 'PENDING' })
    assert.equal((await exchange(prover, proving)).state, 'PRESENTATION_SENT')
    await ack(toProver, threadId)
    await eventually(async () => (await exchange(prover, proving)).state === 'DONE')
    await rogue.reportOn(await ack(toProver, threadId))
    await rogue.send(toProver, `${PROVE}/problem-report`, threadId, { description: { en: 'no', code: 'abandoned' } })
    await assertUnharmed()
    assert.equal((await exchange(prover, proving)).state, 'DONE')
    const still = await exchange(verifier, verifying)
    assert.deepEqual([still.state, still.verified], ['DONE', true])
    assert.equal(
      rogue.inbox.filter((one) => one['@type'].endsWith('/presentation') && threadOf(one) === threadId).length,
      1,
    )
  })

  test('of an older agent (present proof 1.0) holds to the same', async () => {
    const sendV1 = (data: unknown, more: object = {}, line = toProver, by = rogue) =>
      by.send(line, `${PROVE_V1}/request-presentation`, undefined, {
        'request_presentations~attach': [
          {
            '@id': 'libindy-request-presentation-0',
            'mime-type': 'application/json',
            data: { base64: Buffer.from(JSON.stringify(data) ?? '').toString('base64') },
          },
        ],
        ...more,
      })
    for (const nothing of noRequests()) {
      const sent = await sendV1(nothing)
      await rogue.reportOn(sent)
      assert.deepEqual(await inThread(prover, sent['@id'] as string), [])
    }
    await assertExpired(await sendV1(asked(), LONG_AGO))
    const mine = { ...asked(), requested_attributes: { who: { name: 'name' } }, requested_predicates: {} }
    const good = await sendV1(mine)
    const threadId = good['@id'] as string
    const id = await arrived(prover, good)
    await rogue.reportOn(await sendV1(asked(), { '@id': threadId }))
    await other.reportOn(await sendV1(asked(), { '@id': threadId }, otherToProver, other))
    await rogue.reportOn(await ack(toProver, threadId, {}, rogue, PROVE_V1))
    assert.deepEqual(await inThread(prover, threadId), [{ id, state: 'REQUEST_RECEIVED', role: 'PROVER' }])
    const selection = { who: { selfAttested: 'Ada' } }
    await prover.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: id, selection } })
    await rogue.received('/presentation', (one) => threadOf(one) === threadId)
    await other.reportOn(await ack(otherToProver, threadId, {}, other, PROVE_V1))
    await assertExpired(await ack(toProver, threadId, LONG_AGO, rogue, PROVE_V1))
    await ack(toProver, threadId, { status: 'PENDING' }, rogue, PROVE_V1)
    assert.equal((await exchange(prover, id)).state, 'PRESENTATION_SENT')
    await ack(toProver, threadId, {}, rogue, PROVE_V1)
    await eventually(async () => (await exchange(prover, id)).state === 'DONE')
    await assertUnharmed()
  })
})
