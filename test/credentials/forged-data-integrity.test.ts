import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { allOf } from './many.js'
import { attachedTo, type Line, Rogue, threadOf } from './rogue.js'
import { attributesOf, type Issuer, makeIssuer, OPERATIONS } from './story.js'

const ISSUE = 'issue-credential/2.0'
const FORMATS = {
  offers: 'didcomm/w3c-di-vc-offer@v0.1',
  requests: 'didcomm/w3c-di-vc-request@v0.1',
  credentials: 'didcomm/w3c-di-vc@v0.1',
} as const
const NOTHINGS = [null, [], 'it', {}, 7]

describe('an issue by data integrity', () => {
  let store: TestStore
  let gateway: TestGateway
  let rogue: Rogue
  let issuer: Issuer
  let evil: Issuer
  let holder: TestTenant
  let toIssuer: Line
  let toHolder: Line

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, rogue] = await Promise.all([startGateway(store), Rogue.create()])
    ;[issuer, evil, holder] = await Promise.all([
      makeIssuer(gateway.url, { revocable: true }),
      makeIssuer(gateway.url),
      makeTenant(gateway.url),
    ])
    toIssuer = await rogue.connectTo(issuer)
    toHolder = await rogue.connectTo(holder)
  })
  after(async () => {
    await Promise.all([rogue?.close(), gateway?.stop()])
    await store?.remove()
  })

  const send = (
    line: Line,
    step: string,
    threadId: string | undefined,
    attach: keyof typeof FORMATS,
    data: unknown,
    more: object = {},
  ) => rogue.send(line, `${ISSUE}/${step}`, threadId, { attach, format: FORMATS[attach], data, ...more })

  const previewOf = (name: string) => ({
    credential_preview: { '@type': `https://didcomm.org/${ISSUE}/credential-preview`, attributes: attributesOf(name) },
  })

  const exchange = async ({ client }: TestTenant, id: string): Promise<AnyEvent> =>
    (await client.ask(OPERATIONS.exchange, { id })).credentialExchange

  const inThread = async ({ client }: TestTenant, threadId: string): Promise<string[]> => {
    const list = 'query($threadId: ID!) { credentialExchanges(filter: {threadId: $threadId}) { nodes { id } } }'
    return (await client.ask(list, { threadId })).credentialExchanges.nodes.map(({ id }: AnyEvent) => id)
  }

  const heldBy = async (tenant: TestTenant) =>
    (await allOf(tenant, 'credentials', 'attributes')).map(({ attributes }) => attributes.name).sort()

  async function assertAbandoned(
    tenant: TestTenant,
    id: string,
    sent: AnyEvent,
    reason: string,
    what = '',
  ): Promise<void> {
    const ended = await eventually(async () => {
      const found = await exchange(tenant, id)
      return ['ABANDONED', 'DONE'].includes(found.state) && found
    })
    assert.deepEqual([ended.state, ended.errorMessage], ['ABANDONED', reason], what)
    assert.equal((await rogue.reportOn(sent)).en, reason)
  }

  /** An issuer offers, to the outside agent. */
  async function offer(by = issuer, line = toIssuer) {
    const { offerCredential } = await by.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: line.connectionId,
        credentialDefinitionId: by.definitionId,
        attributes: attributesOf('Ada'),
        format: 'DATA_INTEGRITY',
      },
    })
    const { id, threadId } = offerCredential.credentialExchange
    const message = await rogue.received('/offer-credential', (one) => threadOf(one) === threadId)
    return { id, threadId, offer: attachedTo(message, 'offers') }
  }

  const passOn = (data: unknown, name = 'Ada') =>
    send(toHolder, 'offer-credential', undefined, 'offers', data, previewOf(name))
  const arrived = async (threadId: string) => eventually(async () => (await inThread(holder, threadId))[0])

  /** The agent in the middle: what the issuer has offered it, offered to the holder, and accepted. */
  async function inBetween(change: (offer: AnyEvent) => void = () => {}) {
    const offered = await offer()
    change(offered.offer)
    const threadId = (await passOn(offered.offer))['@id'] as string
    const id = await arrived(threadId)
    await holder.client.ask(OPERATIONS.acceptOffer, { id })
    const request = await rogue.received('/request-credential', (one) => threadOf(one) === threadId)
    return { offered, id, threadId, request: attachedTo(request, 'requests') }
  }

  async function issued({ offered, request }: Awaited<ReturnType<typeof inBetween>>): Promise<AnyEvent> {
    await send(toIssuer, 'request-credential', offered.threadId, 'requests', request)
    const message = await rogue.received('/issue-credential', (one) => threadOf(one) === offered.threadId)
    return attachedTo(message, 'credentials')
  }

  test('is not begun by an offer that is bound to nothing, or to a key, or says what nobody signs', async () => {
    const { offer: good } = await offer()
    const bare = { ...good, binding_required: false, binding_method: {} }
    const signed = { algs_supported: ['EdDSA'], did_methods_supported: ['key'], nonce: 'it' }
    const of = (credential: object) => ({ ...good, credential: { ...good.credential, ...credential } })
    for (const data of [
      ...NOTHINGS,
      bare,
      { ...bare, binding_method: undefined },
      { ...good, binding_method: { didcomm_signed_attachment: signed } },
      { ...good, data_model_versions_supported: ['2.0'] },
      of({ type: ['VerifiableCredential', 'Degree'] }),
      of({ expirationDate: '2030-01-01T00:00:00Z' }),
      of({ credentialStatus: { id: 'https://example.org/1', type: 'it' } }),
      of({ credentialSubject: [{ name: 'Ada' }] }),
      of({ credentialSubject: { name: { first: 'Ada' } } }),
      of({ issuer: undefined }),
      of({ proof: { type: 'it' } }),
    ]) {
      const sent = await passOn(data)
      await rogue.reportOn(sent)
      assert.deepEqual(await inThread(holder, sent['@id'] as string), [], JSON.stringify(data))
    }
  })

  test('is shown as what is offered, and not gone on with where that does not hold', async () => {
    const { offer: good } = await offer()
    const shown = await arrived((await passOn(good, 'Somebody else'))['@id'] as string)
    const { attributes, format } = await exchange(holder, shown)
    assert.deepEqual(
      [attributes.find(({ name }: AnyEvent) => name === 'name').value, format],
      ['Ada', 'DATA_INTEGRITY'],
    )
    const secret = good.binding_method.anoncreds_link_secret
    const bound = (change: object) => ({ ...good, binding_method: { anoncreds_link_secret: { ...secret, ...change } } })
    for (const data of [
      { ...good, credential: { ...good.credential, issuer: evil.did } },
      bound({ cred_def_id: evil.definitionId }),
      bound({ cred_def_id: 'did:example:1/it' }),
      bound({ key_correctness_proof: { ...secret.key_correctness_proof, c: '7' } }),
      bound({ nonce: 'x' }),
    ]) {
      const id = await arrived((await passOn(data))['@id'] as string)
      assert.equal(await holder.client.codeOf(OPERATIONS.acceptOffer, { id }), 'PROTOCOL_ERROR')
      assert.equal((await exchange(holder, id)).state, 'OFFER_RECEIVED')
    }
  })

  test('ends where the request does not hold', async () => {
    const REASON = 'The request that came does not hold.'
    const { request: good } = await inBetween()
    const secret = good.binding_proof.anoncreds_link_secret
    for (const data of [
      ...NOTHINGS,
      good, // For another offer.
      { ...good, binding_proof: undefined },
      { ...good, binding_proof: { ...good.binding_proof, didcomm_signed_attachment: { attachment_id: 'it' } } },
      { ...good, data_model_version: '2.0' },
      { ...good, binding_proof: { anoncreds_link_secret: { ...secret, cred_def_id: evil.definitionId } } },
    ]) {
      const { id, threadId } = await offer()
      await assertAbandoned(issuer, id, await send(toIssuer, 'request-credential', threadId, 'requests', data), REASON)
    }
  })

  test('ends where the credential does not hold, and leaves none', async () => {
    const REASON = 'The credential that came does not hold.'
    const contexts = await countRequests()
    try {
      const before = await heldBy(holder)
      const whole = await inBetween()
      const replayed = await issued(whole)
      const changes: Record<string, (credential: AnyEvent) => void> = {
        'another value': ({ credentialSubject }) => Object.assign(credentialSubject, { name: 'Root' }),
        'one value more': ({ credentialSubject }) => Object.assign(credentialSubject, { more: 'yes' }),
        'one value less': ({ credentialSubject }) => delete credentialSubject.name,
        'another issuer': (credential) => Object.assign(credential, { issuer: evil.did }),
        'another type': (credential) => credential.type.push('Degree'),
        'what is no proof': (credential) => Object.assign([credential.proof].flat()[0], { proofValue: 'ukg' }),
        'no proof': (credential) => delete credential.proof,
        'a proof by a key': (credential) =>
          Object.assign(credential, {
            '@context': ['https://www.w3.org/2018/credentials/v1', contexts.url],
            proof: {
              type: 'Ed25519Signature2018',
              created: '2024-01-01T00:00:00Z',
              proofPurpose: 'assertionMethod',
              verificationMethod: `${issuer.did}#key`,
              jws: 'e30..e30',
            },
          }),
        'what was issued before': (credential) => Object.assign(credential, replayed.credential),
      }
      for (const [what, change] of Object.entries(changes)) {
        const between = await inBetween()
        const data = await issued(between)
        change(data.credential)
        const sent = await send(toHolder, 'issue-credential', between.threadId, 'credentials', data)
        await assertAbandoned(holder, between.id, sent, REASON, what)
      }
      for (const nothing of NOTHINGS) {
        const { id, threadId } = await inBetween()
        const sent = await send(toHolder, 'issue-credential', threadId, 'credentials', nothing)
        await assertAbandoned(holder, id, sent, REASON)
      }
      // What was offered with another value is not fulfilled by what was issued.
      const other = await inBetween(({ credential }) => Object.assign(credential.credentialSubject, { name: 'Root' }))
      const sent = await send(toHolder, 'issue-credential', other.threadId, 'credentials', await issued(other))
      await assertAbandoned(holder, other.id, sent, REASON)
      // What the contexts of a credential name is not fetched, and not kept.
      const remote = await inBetween(({ credential }) => credential['@context'].push(contexts.url))
      const odd = await issued(remote)
      odd.credential['@context'].push(contexts.url)
      await send(toHolder, 'issue-credential', remote.threadId, 'credentials', odd)
      await eventually(async () => (await exchange(holder, remote.id)).state === 'DONE')
      assert.equal(contexts.count(), 0)
      assert.deepEqual(await heldBy(holder), [...before, 'Ada'])
      for (let times = 0; times < 2; times++) {
        await send(toHolder, 'issue-credential', whole.threadId, 'credentials', replayed)
        await eventually(async () => (await exchange(holder, whole.id)).state === 'DONE')
      }
      assert.deepEqual(await heldBy(holder), [...before, 'Ada', 'Ada'])
    } finally {
      await contexts.close()
    }
  })
})

/** A server that counts who asks. */
async function countRequests() {
  let count = 0
  const server = createServer((_, response) => {
    count += 1
    response.writeHead(200, { 'content-type': 'application/ld+json' }).end('{"@context": {}}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/context`,
    count: () => count,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
