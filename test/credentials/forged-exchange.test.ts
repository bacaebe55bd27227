import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { AnonCredsProofRequest, AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { type HostingParts, openHosting } from '../dids/parts.js'
import { type AnyEvent, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { type Held, lastList, OutsideHolder, published } from './outside-holder.js'
import { attachedJson, type Line, Rogue, threadOf } from './rogue.js'
import { type Issuer, makeIssuer, OPERATIONS, presentationDefinition } from './story.js'

/** Said of whatever does not hold, and nothing else. */
const REASON = 'The presentation that came does not hold.'
const SUBMISSION = 'dif/presentation-exchange/submission@v1.0'

describe('a presentation by presentation exchange', () => {
  const workers = new AnonCredsWorkers()
  let store: TestStore
  let gateway: TestGateway
  let elsewhere: HostingParts
  let rogue: Rogue
  let holder: OutsideHolder
  let issuer: Issuer
  let evil: Issuer
  let verifier: TestTenant
  let toVerifier: Line
  let toIssuer: Line
  let good: Held
  let bad: Held
  let ofEvil: Held
  /** The list from before `bad` was revoked. */
  let before_: AnonCredsRevocationStatusList

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, elsewhere, rogue] = await Promise.all([startGateway(store), openHosting('sqlite'), Rogue.create()])
    ;[issuer, evil, verifier] = await Promise.all([
      makeIssuer(gateway.url, { revocable: true }),
      makeIssuer(gateway.url, { revocable: true }),
      makeTenant(gateway.url),
    ])
    holder = await OutsideHolder.create(workers, rogue)
    toIssuer = await rogue.connectTo(issuer)
    const toEvil = await rogue.connectTo(evil)
    toVerifier = await rogue.connectTo(verifier)
    good = await holder.obtain(issuer, toIssuer, 'Ada')
    bad = await holder.obtain(issuer, toIssuer, 'Eve')
    ofEvil = await holder.obtain(evil, toEvil, 'Root')
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
    definitionId: string
    challenge: string
  }

  async function ask(
    request: object = presentationDefinition(issuer),
    connectionId = toVerifier.connectionId,
    by = rogue,
  ): Promise<Asked> {
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId, name: 'Who are you?', request, format: 'PRESENTATION_EXCHANGE' },
    })
    const { id, threadId } = requestProof.proofExchange
    const message = await by.received('/request-presentation', (one) => threadOf(one) === threadId)
    const { presentation_definition, options } = attachedJson(message, 'request_presentations')
    return { id, threadId, definitionId: presentation_definition.id, challenge: options.challenge }
  }

  /** As an agent makes it of what is asked. */
  const requestFor = ({ challenge }: Asked, least = 2020, at?: number): AnonCredsProofRequest => ({
    ...{ name: 'it', version: '1.0' },
    nonce: BigInt(`0x${createHash('sha256').update(challenge).digest('hex')}`)
      .toString()
      .slice(0, 20),
    requested_attributes: { who: { names: ['name'] } },
    requested_predicates: { recent: { name: 'year', p_type: '>=', p_value: least } },
    ...(at !== undefined && { non_revoked: { from: at, to: at } }),
  })

  const submitted = (asked: Asked, presentation: AnyEvent, map: object[] = [ANSWER]): AnyEvent => ({
    ...presentation,
    presentation_submission: { id: 'it', definition_id: asked.definitionId, descriptor_map: map },
  })
  const ANSWER = { id: 'degree', format: 'di_vp', path: '$.verifiableCredential[0]' }

  const SHOWN = { reveal: ['who'], prove: ['recent'] }
  type Shown = Parameters<OutsideHolder['presentW3c']>[1]
  const present = async (asked: Asked, shown: Shown = [{ held: good, ...SHOWN }], by = holder): Promise<AnyEvent> =>
    submitted(asked, await by.presentW3c(requestFor(asked), shown))

  const answer = ({ threadId }: Asked, proof: unknown, line = toVerifier, by = rogue, format = SUBMISSION) =>
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

  async function assertRefused(asked: Asked, proof: unknown, what = '', format?: string): Promise<void> {
    await answer(asked, proof, toVerifier, rogue, format)
    const { state, verified, revealed, errorMessage } = await ended(asked)
    assert.deepEqual([state, verified, revealed, errorMessage], ['ABANDONED', false, null, REASON], what)
    const told = await rogue.received('/problem-report', (one) => threadOf(one) === asked.threadId)
    assert.equal(told.description.en, REASON)
  }

  async function assertTaken(asked: Asked, proof: unknown, revealed: object): Promise<void> {
    await answer(asked, proof)
    const found = await ended(asked)
    assert.deepEqual([found.state, found.verified, found.revealed], ['DONE', true, revealed])
  }

  test('that holds is verified, and stays so whatever comes after it', async () => {
    const asked = await ask()
    const proof = await present(asked)
    await assertTaken(asked, proof, { degree: { name: 'Ada' } })
    const forged = structuredClone(proof)
    forged.verifiableCredential[0].credentialSubject.name = 'Root'
    await answer(asked, forged)
    await answer(asked, proof)
    // What follows on the same connection is handled after these; and it is for another question.
    await assertRefused(await ask(), proof)
    const { state, verified, revealed } = await exchange(asked)
    assert.deepEqual([state, verified, revealed], ['DONE', true, { degree: { name: 'Ada' } }])
  })

  test('is refused where what is written is not what is proved', async () => {
    const subject = (change: (subject: AnyEvent) => void) => (proof: AnyEvent) =>
      change(proof.verifiableCredential[0].credentialSubject)
    const first = (change: (credential: AnyEvent) => void) => (proof: AnyEvent) => change(proof.verifiableCredential[0])
    const changes: Record<string, (proof: AnyEvent) => void> = {
      // The library takes these for values that are not told, and verifies.
      'another value': subject((values) => Object.assign(values, { name: 'Root' })),
      'a number': subject((values) => Object.assign(values, { name: 7 })),
      'a value by another case': subject((values) => Object.assign(values, { name: 'Root', Name: 'Ada' })),
      'no value': subject((values) => delete values.name),
      'a value that says yes': subject((values) => Object.assign(values, { name: true })),
      'no predicate': subject((values) => delete values.year),
      'another issuer': first((credential) => Object.assign(credential, { issuer: evil.did })),
      'another definition': first(({ proof }) => Object.assign(proof, { verificationMethod: evil.definitionId })),
      'no proof': first((credential) => delete credential.proof),
      'another suite': first(({ proof }) => Object.assign(proof, { cryptosuite: 'eddsa-jcs-2022' })),
      'what is no proof': first(({ proof }) => Object.assign(proof, { proofValue: 'ukg' })),
      'two proofs': first((credential) => Object.assign(credential, { proof: [credential.proof, credential.proof] })),
      'a proof of the whole that is none': ({ proof }) => Object.assign(proof, { proofValue: 'ukg' }),
      'no credentials': (proof) => Object.assign(proof, { verifiableCredential: [] }),
      'two credentials': (proof) => proof.verifiableCredential.push(proof.verifiableCredential[0]),
      'a JWT in it': (proof) => Object.assign(proof, { verifiableCredential: ['e30.e30.e30'] }),
    }
    for (const [what, change] of Object.entries(changes)) {
      const asked = await ask()
      const forged = await present(asked)
      change(forged)
      await assertRefused(asked, forged, what)
    }
    const hidden = await ask()
    const untold = await present(hidden, [{ held: good, hide: ['who'], prove: ['recent'] }])
    untold.verifiableCredential[0].credentialSubject.name = 'Ada'
    await assertRefused(hidden, untold, 'a value that is not revealed')
    for (const nothing of [null, [], 'e30.e30.e30', {}, 7]) await assertRefused(await ask(), nothing, `${nothing}`)
    await assertRefused(await ask(), await present(await ask()), 'of another format', 'anoncreds/proof@v1.0')
  })

  test('is refused where it answers something else, or the same in another way', async () => {
    const easy = await ask()
    const shown = [{ held: good, ...SHOWN }]
    await assertRefused(easy, submitted(easy, await holder.presentW3c(requestFor(easy, 0), shown)), 'an easier one')
    const maps: Record<string, object[]> = {
      'no answer': [],
      'the same twice': [ANSWER, ANSWER],
      'another descriptor': [{ ...ANSWER, id: 'other' }],
      'a credential that is not there': [{ ...ANSWER, path: '$.verifiableCredential[1]' }],
      'a path of its own': [{ ...ANSWER, path: '$..credentialSubject' }],
      'a script': [{ ...ANSWER, path: '$.verifiableCredential[(@.length-1)]' }],
      'a path further in': [{ ...ANSWER, path_nested: ANSWER }],
    }
    for (const [what, map] of Object.entries(maps)) {
      const asked = await ask()
      await assertRefused(asked, submitted(asked, await present(asked), map), what)
    }
    const asked = await ask()
    await assertRefused(asked, { ...(await present(asked)), presentation_submission: undefined }, 'no submission')
    const [one, other] = [await ask(), await ask()]
    const foreign = submitted({ ...one, definitionId: other.definitionId }, await present(one))
    await assertRefused(one, foreign, 'of another definition')
    await assertRefused(other, submitted(other, await present(one)), 'of another challenge')
    const named = await ask({
      input_descriptors: [
        { id: 'degree', constraints: { fields: [{ path: ['$.credentialSubject.name'], filter: { const: 'Root' } }] } },
      ],
    })
    await assertRefused(named, await present(named), 'another value than was asked for')
  })

  test('is refused of another issuer, and of another holder', async () => {
    const asked = await ask()
    await assertRefused(asked, await present(asked, [{ held: ofEvil, ...SHOWN }]), 'of another issuer')
    const dressed = await ask()
    const forged = await present(dressed, [{ held: ofEvil, ...SHOWN }])
    Object.assign(forged.verifiableCredential[0], { issuer: issuer.did })
    await assertRefused(dressed, forged, 'in the name of the issuer')
    for (const path of ['$.verifiableCredential[0]', '$.verifiableCredential[1]']) {
      const aside = await ask()
      const request = requestFor(aside)
      request.requested_attributes['other'] = { names: ['name'] }
      const both = [
        { held: good, ...SHOWN },
        { held: ofEvil, reveal: ['other'] },
      ]
      const proof = await holder.presentW3c(request, both)
      assert.equal(proof.verifiableCredential.length, 2)
      await assertRefused(aside, submitted(aside, proof, [{ ...ANSWER, path }]), `with one beside it, ${path}`)
    }
    const stolen = await ask()
    const thief = await OutsideHolder.create(workers, rogue)
    await assertRefused(stolen, await present(stolen, [{ held: good, ...SHOWN }], thief), 'by a thief')
    const any = await ask({
      input_descriptors: [{ id: 'degree', constraints: { fields: [{ path: ['$.credentialSubject.name'] }] } }],
    })
    const plain = { ...requestFor(any), requested_predicates: {} }
    await assertTaken(any, submitted(any, await holder.presentW3c(plain, [{ held: ofEvil, reveal: ['who'] }])), {
      degree: { name: 'Root' },
    })
  })

  test('of a credential that is revoked is refused in whatever dress', async () => {
    const active = presentationDefinition(issuer, true)
    const at = () => Math.floor(Date.now() / 1000)
    const shownBy = async (asked: Asked, held: Held, list?: AnonCredsRevocationStatusList) =>
      submitted(
        asked,
        await holder.presentW3c(requestFor(asked, 2020, list && at()), [{ held, ...(list && { list }), ...SHOWN }]),
      )
    const holds = await ask(active)
    await assertTaken(holds, await shownBy(holds, good, await lastList(good.registryId)), { degree: { name: 'Ada' } })
    // A list from before, also of one that is not revoked.
    for (const held of [bad, good]) {
      const asked = await ask(active)
      await assertRefused(asked, await shownBy(asked, held, before_), 'an old list')
    }
    const silent = await ask(active)
    await assertRefused(silent, await shownBy(silent, bad), 'no list')
    const unspoken = await ask(active)
    const without = await holder.changed(bad, (credential) => {
      for (const field of ['rev_reg_id', 'rev_reg', 'witness']) delete credential[field]
    })
    await assertRefused(unspoken, await shownBy(unspoken, without), 'no registry')
    // The same keys and tails, and the accumulator of before, as if it were of now, published by somebody else.
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
    const registry = { ...content, issuerId: did }
    const registryId = await publish(registry, [])
    const timestamp = at() - 1
    const list = { ...before_, issuerId: did, revRegDefId: registryId, timestamp }
    await publish(registry, [{ id: await publish(list as never), type: 'anonCredsStatusList', timestamp }])
    const asked = await ask(active)
    const dressed = await holder.changed(bad, (credential) => Object.assign(credential, { rev_reg_id: registryId }))
    await assertRefused(asked, await shownBy(asked, dressed, { ...before_, timestamp }), 'a registry of somebody else')
  })

  test('over another connection than it was asked over changes nothing', async () => {
    const other = await Rogue.create()
    try {
      const line = await other.connectTo(verifier)
      const asked = await ask()
      const proof = await present(asked)
      await answer(asked, proof, line, other)
      const next = await ask(undefined, line.connectionId, other)
      await answer(next, proof, line, other)
      assert.equal((await ended(next)).state, 'ABANDONED')
      assert.equal((await exchange(asked)).state, 'REQUEST_SENT')
      await assertTaken(asked, proof, { degree: { name: 'Ada' } })
    } finally {
      await other.close()
    }
  })

  test('is not made of what a definition asks beyond what AnonCreds signs', async () => {
    const tap = await verifier.client.follow()
    const definitions = [
      {
        id: 'it',
        input_descriptors: [{ id: 'a', constraints: { fields: [{ path: ['$..*'], filter: { pattern: '(a+)+$' } }] } }],
      },
      { id: 'it', input_descriptors: [{ id: 'a', schema: [{ uri: 'https://example.org/it' }] }] },
      { id: 'it' },
      {},
    ]
    for (const presentation_definition of definitions) {
      const { '@id': threadId } = await rogue.send(toVerifier, 'present-proof/2.0/request-presentation', undefined, {
        attach: 'request_presentations',
        format: 'dif/presentation-exchange/definitions@v1.0',
        data: { presentation_definition, options: { challenge: 'it' } },
        will_confirm: true,
      })
      const { proofExchange } = await tap.find((event) => event.proofExchange?.threadId === threadId)
      const { id, state, request } = proofExchange
      assert.deepEqual([state, request], ['REQUEST_RECEIVED', presentation_definition])
      assert.equal(await verifier.client.codeOf(OPERATIONS.fitting, { id }), 'PROTOCOL_ERROR')
      assert.equal(
        await verifier.client.codeOf(OPERATIONS.acceptProof, { input: { exchangeId: id } }),
        'PROTOCOL_ERROR',
      )
      const { declineProofRequest } = await verifier.client.ask(OPERATIONS.declineProof, { id, reason: 'No' })
      assert.equal(declineProofRequest.proofExchange.state, 'DECLINED')
    }
    await tap.close()
    for (const data of [null, [], { presentation_definition: null }, { presentation_definition: [] }]) {
      const sent = await rogue.send(toVerifier, 'present-proof/2.0/request-presentation', undefined, {
        attach: 'request_presentations',
        format: 'dif/presentation-exchange/definitions@v1.0',
        data,
      })
      await rogue.reportOn(sent)
    }
  })
})
