import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AnonCredsProof, AnonCredsProofRequest, AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { type HostingParts, openHosting } from '../dids/parts.js'
import { type AnyEvent, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { type Held, lastList, OutsideHolder, published } from './outside-holder.js'
import { attachedTo, type Line, Rogue, threadOf } from './rogue.js'
import { type Issuer, makeIssuer, OPERATIONS, proofRequest } from './story.js'

/** Said of whatever does not hold, and nothing else. */
const REASON = 'The presentation that came does not hold.'
const SHOWN = { reveal: ['who'], prove: ['recent'] }

describe('a presentation', () => {
  const workers = new AnonCredsWorkers()
  let store: TestStore
  let gateway: TestGateway
  let elsewhere: HostingParts
  let rogue: Rogue
  let holder: OutsideHolder
  let issuer: Issuer
  let verifier: TestTenant
  let toVerifier: Line
  let good: Held
  let bad: Held
  /** The list from before `bad` was revoked. */
  let before_: AnonCredsRevocationStatusList

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, elsewhere, rogue] = await Promise.all([startGateway(store), openHosting('sqlite'), Rogue.create()])
    ;[issuer, verifier] = await Promise.all([makeIssuer(gateway.url, { revocable: true }), makeTenant(gateway.url)])
    holder = await OutsideHolder.create(workers, rogue)
    const toIssuer = await rogue.connectTo(issuer)
    toVerifier = await rogue.connectTo(verifier)
    good = await holder.obtain(issuer, toIssuer, 'Ada')
    bad = await holder.obtain(issuer, toIssuer, 'Eve')
    before_ = await lastList(bad.registryId)
    await issuer.client.ask(OPERATIONS.revoke, { id: bad.exchangeId })
  })
  after(async () => {
    await Promise.all([rogue?.close(), gateway?.stop(), elsewhere?.close(), workers.stop()])
    await store?.remove()
  })

  interface Asked {
    id: string
    threadId: string
    request: AnonCredsProofRequest
  }

  async function ask(
    request: object = proofRequest(issuer, true),
    connectionId = toVerifier.connectionId,
    by = rogue,
  ): Promise<Asked> {
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId, name: 'Who are you?', request },
    })
    const { id, threadId } = requestProof.proofExchange
    const message = await by.received('/request-presentation', (one) => threadOf(one) === threadId)
    return { id, threadId, request: attachedTo(message, 'request_presentations') }
  }

  const answer = (
    { threadId }: Asked,
    proof: unknown,
    line = toVerifier,
    by = rogue,
    format = 'anoncreds/proof@v1.0',
  ) =>
    by.send(line, 'present-proof/2.0/presentation', threadId, {
      attach: 'presentations',
      format,
      data: proof,
      last_presentation: true,
    })

  const exchange = async ({ id }: Asked): Promise<AnyEvent> =>
    (await verifier.client.ask(OPERATIONS.proof, { id })).proofExchange

  const ended = (asked: Asked) =>
    eventually(async () => {
      const found = await exchange(asked)
      return ['DONE', 'ABANDONED'].includes(found.state) && found
    })

  async function assertRefused(asked: Asked, proof: unknown, format?: string): Promise<void> {
    await answer(asked, proof, toVerifier, rogue, format)
    const { state, verified, revealed, errorMessage } = await ended(asked)
    assert.deepEqual([state, verified, revealed, errorMessage], ['ABANDONED', false, null, REASON])
    const told = await rogue.received('/problem-report', (one) => threadOf(one) === asked.threadId)
    assert.equal(told.description.en, REASON)
  }

  const copy = (proof: AnonCredsProof): AnyEvent => structuredClone(proof)
  const present = async (request: AnonCredsProofRequest) =>
    holder.present(request, [{ held: good, list: await lastList(good.registryId), ...SHOWN }])

  test('that holds is verified, and stays so whatever comes after it', async () => {
    const asked = await ask()
    const proof = await present(asked.request)
    await answer(asked, proof)
    const { state, verified, revealed } = await ended(asked)
    assert.deepEqual([state, verified, revealed], ['DONE', true, { who: 'Ada' }])
    const forged = copy(proof)
    forged.requested_proof.revealed_attrs.who.raw = 'Root'
    await answer(asked, forged)
    await answer(asked, proof)
    await rogue.send(toVerifier, 'present-proof/2.0/problem-report', asked.threadId, {
      description: { en: 'never mind', code: 'abandoned' },
    })
    await rogue.send(toVerifier, 'present-proof/2.0/ack', asked.threadId, { status: 'OK' })
    // What follows on the same connection is handled after these.
    await assertRefused(await ask(), forged)
    const { state: after, verified: still, revealed: told, errorMessage } = await exchange(asked)
    assert.deepEqual([after, still, told, errorMessage], ['DONE', true, { who: 'Ada' }, null])
  })

  test('is refused where values are changed, or it was made for another question', async () => {
    const changes: ((proof: AnyEvent) => void)[] = [
      ({ requested_proof: { revealed_attrs } }) => Object.assign(revealed_attrs.who, { raw: 'Root' }),
      ({ requested_proof: { revealed_attrs } }) => Object.assign(revealed_attrs.who, { raw: '7', encoded: '7' }),
      ({ requested_proof }) => Object.assign(requested_proof, { revealed_attrs: {} }),
      ({ requested_proof }) => Object.assign(requested_proof, { predicates: {} }),
      ({ identifiers }) => identifiers.pop(),
      ({ identifiers }) => identifiers.push(identifiers[0]),
      ({ proof }) => proof.proofs.pop(),
      (proof) => Object.assign(proof, { requested_proof: null }),
      (proof) => Object.assign(proof, { proof: {} }),
    ]
    for (const change of changes) {
      const asked = await ask()
      const forged = copy(await present(asked.request))
      change(forged)
      await assertRefused(asked, forged)
    }
    const [asked, other] = [await ask(), await ask()]
    await assertRefused(asked, await present(other.request))
    for (const nothing of [null, [], 'proof', {}]) await assertRefused(await ask(), nothing)
    await assertRefused(other, await present(other.request), 'hlindy/proof@v2.0')
  })

  test('is refused where what is read is not what was proved', async () => {
    const list = await lastList(good.registryId)
    const asked = await ask()
    // A hidden value passes the restrictions, a claim of the holder's own is read.
    const hidden = copy(await holder.present(asked.request, [{ held: good, list, hide: ['who'], prove: ['recent'] }]))
    hidden.requested_proof.self_attested_attrs.who = 'Root'
    await assertRefused(asked, hidden)
    const again = await ask()
    const claimed = copy(await present(again.request))
    claimed.requested_proof.self_attested_attrs.who = 'Root'
    await assertRefused(again, claimed)
    // One credential passes the restrictions, another is read.
    const both = await ask()
    const doubled = copy(await present(both.request))
    doubled.requested_proof.unrevealed_attrs.who = { sub_proof_index: 0 }
    await assertRefused(both, doubled)
    // Something easier is proved.
    const hard = await ask()
    const easy = structuredClone(hard.request)
    Object.assign(easy.requested_predicates.recent as object, { p_value: 0 })
    await assertRefused(hard, await holder.present(easy, [{ held: good, list, ...SHOWN }]))
    // A value that was asked for is not told.
    const restrictions = [{ cred_def_id: issuer.definitionId, 'attr::name::value': 'Root' }]
    const byValue = await ask({ requested_attributes: { who: { name: 'name', restrictions } } })
    await assertRefused(byValue, await holder.present(byValue.request, [{ held: good, hide: ['who'] }]))
  })

  test('of a credential that is revoked is refused in whatever dress', async () => {
    const now = await lastList(bad.registryId)
    assert.ok(now.timestamp > before_.timestamp)
    const asList = async (made: AnonCredsRevocationStatusList, change: (identifier: AnyEvent) => void = () => {}) => {
      const asked = await ask()
      const forged = copy(await holder.present(asked.request, [{ held: bad, list: made, ...SHOWN }]))
      change(forged.identifiers[0])
      await assertRefused(asked, forged)
    }
    await asList(before_)
    await asList(before_, (identifier) => Object.assign(identifier, { timestamp: now.timestamp }))
    for (const gone of [['timestamp'], ['rev_reg_id'], ['timestamp', 'rev_reg_id']]) {
      await asList(before_, (identifier) => {
        for (const field of gone) delete identifier[field]
      })
    }
    // It says nothing at all, or says that it says something.
    const silent = await ask()
    const bare = copy(await holder.present(silent.request, [{ held: bad, ...SHOWN }]))
    await assertRefused(silent, bare)
    const unspoken = await ask()
    const without = copy(await holder.present(unspoken.request, [{ held: bad, ...SHOWN }]))
    delete without.identifiers[0].rev_reg_id
    await assertRefused(unspoken, without)
    const pretended = await ask()
    const empty = copy(await holder.present(pretended.request, [{ held: bad, ...SHOWN }]))
    Object.assign(empty.identifiers[0], { rev_reg_id: bad.registryId, timestamp: now.timestamp })
    await assertRefused(pretended, empty)
  })

  test('that names more than was asked has nothing of that fetched', async () => {
    const { did } = await elsewhere.hosted.create('one', 'webvh', null)
    const asked = await ask()
    const forged = copy(await present(asked.request))
    const before = elsewhere.asked.length
    for (let index = 0; index < 5; index++) {
      forged.identifiers.push({ ...forged.identifiers[0], schema_id: `${did}/resources/zQm${index + 1}` })
    }
    await assertRefused(asked, forged)
    assert.equal(elsewhere.asked.length, before)
  })

  test('of a credential that is revoked is refused by a registry of somebody else', async () => {
    const { did } = await elsewhere.hosted.create('one', 'webvh', null)
    const { content } = await published(bad.registryId)
    const { signResource } = await import('../../src/agent/attested-resource.js')
    const publish = (value: Record<string, unknown>, links?: { id: string; type: string; timestamp: number }[]) =>
      elsewhere.transact('one', async ({ context }, unit) => {
        const signed = await signResource(context, { issuerDid: did, content: value, metadata: {}, links })
        elsewhere.publish(unit, signed)
        unit.touch()
        return signed.resourceId
      })
    // The same keys and tails, and the accumulator of before, as if it were of now.
    const registry = { ...content, issuerId: did }
    const registryId = await publish(registry, [])
    const timestamp = Math.floor(Date.now() / 1000) - 1
    const list = { ...before_, issuerId: did, revRegDefId: registryId, timestamp }
    const listId = await publish(list as never)
    await publish(registry, [{ id: listId, type: 'anonCredsStatusList', timestamp }])
    const asked = await ask()
    const forged = copy(await holder.present(asked.request, [{ held: bad, list: { ...before_, timestamp }, ...SHOWN }]))
    forged.identifiers[0].rev_reg_id = registryId
    await assertRefused(asked, forged)
  })

  test('over another connection than it was asked over changes nothing', async () => {
    const other = await Rogue.create()
    try {
      const line = await other.connectTo(verifier)
      const asked = await ask()
      const proof = await present(asked.request)
      await answer(asked, proof, line, other)
      await other.send(line, 'present-proof/2.0/problem-report', asked.threadId, {
        description: { en: 'never mind', code: 'abandoned' },
      })
      const next = await ask(undefined, line.connectionId, other)
      await answer(next, proof, line, other)
      assert.equal((await ended(next)).state, 'ABANDONED')
      assert.equal((await exchange(asked)).state, 'REQUEST_SENT')
      await answer(asked, proof)
      assert.equal((await ended(asked)).state, 'DONE')
    } finally {
      await other.close()
    }
  })
})
