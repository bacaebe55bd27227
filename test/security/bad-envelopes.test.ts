import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Peer } from '../../bench/peer.js'
import { PeerServer } from '../../bench/peer-server.js'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { connectPeer, type OutsidePeer } from './outside-peer.js'
import { deliver, request, tellsOfTheInside } from './raw-http.js'

interface Packed {
  protected: string
  iv: string
  ciphertext: string
  tag: string
}

interface Header {
  recipients: { encrypted_key: string; header: { kid: string; iv: string; sender: string } }[]
}

for (const kind of STORES) {
  describe(`what is wrong in an envelope, on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let server: PeerServer
    let acme: TestTenant
    let known: OutsidePeer
    let otherKey: string
    let untouched: unknown

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      server = await PeerServer.listen()
      acme = await makeTenant(gateway.url)
      known = await connectPeer(gateway.url, acme, server)
      otherKey = (await connectPeer(gateway.url, await makeTenant(gateway.url), server)).recipientKey
      untouched = await stateOf()
    })
    after(async () => {
      await server?.close()
      await gateway?.stop()
      await store?.remove()
    })

    async function stateOf(): Promise<unknown> {
      const own = await acme.client.ask(
        '{ events(last: 1) { pageInfo { endCursor } } connections { nodes { id } } basicMessages { nodes { content } } }',
      )
      const base = await ApiClient.operator(gateway.url).ask('{ events(last: 1) { pageInfo { endCursor } } }')
      return { own, base }
    }

    const pack = (content: string): Packed =>
      JSON.parse(known.peer.pack(known.peer.basicMessage(content), known.recipientKey).toString())

    async function refused(body: string | Buffer, status: number, what: string): Promise<void> {
      const answer = await deliver(gateway.url, body)
      assert.equal(answer.status, status, what)
      assert.ok(!tellsOfTheInside(answer.text), answer.text)
    }

    test('is told where it is none', async () => {
      const envelope = pack('x')
      const bodies = [
        '',
        'garbage',
        'null',
        '[]',
        '"x"',
        '1',
        '{}',
        '[{}]',
        '\u0000',
        '{"protected":',
        '['.repeat(100_000),
      ]
      for (const body of bodies) await refused(body, 400, body.slice(0, 20))
      for (const part of ['protected', 'iv', 'ciphertext', 'tag'] as const) {
        for (const value of [undefined, null, 1, '', {}, []]) {
          await refused(JSON.stringify({ ...envelope, [part]: value }), 400, `${part}: ${JSON.stringify(value)}`)
        }
      }
      const headers = ['garbage', 'null', '[]', '{}', '{"recipients":{}}', '{"recipients":[]}', '{"recipients":[null]}']
      for (const header of headers)
        await refused(JSON.stringify({ ...envelope, protected: base64(header) }), 400, header)
      const crowd = withHeader(envelope, (header) => {
        header.recipients = Array.from({ length: 1000 }, () => header.recipients[0] as Header['recipients'][0])
      })
      await refused(crowd, 400, 'a crowd of recipients')
      await refused('x'.repeat(10_000_000), 413, 'too large')
    })

    test('is told where it comes by another way', async () => {
      const body = JSON.stringify(pack('x'))
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/graphql-response+json']) {
        assert.equal((await deliver(gateway.url, body, type)).status, 415, type)
      }
      for (const method of ['GET', 'PUT', 'DELETE']) {
        assert.equal((await request(`${gateway.url}/didcomm`, { method })).status, 405, method)
      }
    })

    test('is found in every part of it, to the bit', async () => {
      const envelope = pack('tampered')
      for (const part of ['protected', 'iv', 'ciphertext', 'tag'] as const) {
        for (const place of part === 'protected' ? (['last'] as const) : (['first', 'last'] as const)) {
          const body = JSON.stringify({ ...envelope, [part]: flip(envelope[part], place) })
          await refused(body, 400, `${part}, ${place}`)
        }
      }
      const parts: Record<string, (header: Header) => void> = {
        'encrypted key': ({ recipients: [first] }) => change(first, 'encrypted_key', flip),
        nonce: ({ recipients: [first] }) => change(first?.header, 'iv', flip),
        sender: ({ recipients: [first] }) => change(first?.header, 'sender', flip),
        'encoding alone': (header) => Object.assign(header, { typ: 'JWM/1.0 ' }),
      }
      for (const [part, tamper] of Object.entries(parts)) await refused(withHeader(envelope, tamper), 400, part)
      await refused(JSON.stringify({ ...envelope, ciphertext: envelope.ciphertext.slice(0, 8) }), 400, 'cut')
      await refused(JSON.stringify({ ...envelope, tag: envelope.tag.slice(0, 8) }), 400, 'a short tag')
    })

    test('is told alike for a recipient that is not here and for one whose key does not open it', async () => {
      const stranger = await Peer.create('http://127.0.0.1:1/')
      await refused(known.peer.pack(known.peer.basicMessage('x'), stranger.verkey), 404, 'unknown recipient')
      const strange = ['\u0000', '\ud800', '../x', "' OR 1=1 --", `${known.recipientKey}\u0000`]
      for (const kid of strange) {
        const body = withHeader(pack('x'), ({ recipients: [first] }) => change(first?.header, 'kid', () => kid))
        await refused(body, 404, JSON.stringify(kid))
      }
      const astray = withHeader(pack('x'), ({ recipients: [first] }) => change(first?.header, 'kid', () => otherKey))
      await refused(astray, 400, 'for another recipient')
    })

    test('does not show where a stranger writes to a connection', async () => {
      const stranger = await Peer.create('http://127.0.0.1:1/')
      const { status } = await deliver(
        gateway.url,
        stranger.pack(stranger.basicMessage('intruder'), known.recipientKey),
      )
      assert.equal(status, 200)
    })

    test('is told where a text in it would take for ever to read, of whoever has sent it', async () => {
      const stranger = await Peer.create(server.endpoint('nobody').url)
      const message = { ...known.peer.basicMessage('x') }
      const colons = `did:a:a${':'.repeat(60)} `
      const peerDid = `did:peer:2.Ez6LSbbbbb.S${'aS'.repeat(45)}-`
      const noUri = 'a'.repeat(150_000)
      const longKey = `did:key:z${'6'.repeat(150_000)}`
      const attached = (content: unknown) => ({ ...message, 'it~attach': [{ data: { base64: json(content) } }] })
      const jwt = (header: object, payload: object) => `${json(header)}.${json(payload)}.AA`
      const cases: object[] = [
        { ...message, '~thread': { pthid: colons } },
        { ...message, '~thread': { thid: colons } },
        { ...message, '@type': `${'a'.repeat(20_000)}/x/1.0/é` },
        { ...message, '@type': `a/b/${'1'.repeat(300_000)}` },
        { ...message, 'connection~sig': { '@type': `${'a'.repeat(20_000)}/x/1.0/é` } },
        { ...message, did: peerDid },
        { ...message, to: '1'.repeat(300_000) },
        { ...message, 'did_doc~attach': { data: { base64: base64(JSON.stringify({ id: peerDid })) } } },
        { ...message, connection: { DIDDoc: { service: [{ serviceEndpoint: 'a'.repeat(300_000) }] } } },
        { ...message, attributes: Array(10_000).fill({ name: 'a' }) },
        { ...message, x: Object.fromEntries(Array.from({ length: 40_000 }, (_, n) => [`n${n}`, 0])) },
        { ...message, did_doc: { verificationMethod: Array(600).fill({ id: '#1' }) } },
        // Each letter may begin a scheme.
        {
          ...{ '@type': 'https://didcomm.org/issue-credential/2.0/offer-credential', '@id': message['@id'] },
          formats: [{ attach_id: 'it', format: 'didcomm/w3c-di-vc-offer@v0.1' }],
          'offers~attach': [{ '@id': 'it', 'mime-type': 'application/json', data: { base64: json(offerOf(noUri)) } }],
        },
        attached({ credential: { issuer: { id: noUri } } }),
        attached({ holder: noUri, verifiableCredential: [{ id: `a: ${noUri}`, proof: { domain: `+:${noUri}` } }] }),
        { ...message, 'it~attach': [{ data: { json: { id: noUri } } }] },
        attached({ credentialSubject: [{ id: noUri }] }),
        attached({ credentialSubject: { holder: { id: noUri } } }),
        // In JWTs, and in JWTs of JWTs.
        attached(jwt({ kid: `${longKey}#key` }, {})),
        { ...message, 'it~attach': [{ data: { json: jwt({}, { sub: longKey }) } }] },
        attached({ verifiableCredential: [jwt({}, { jti: noUri })] }),
        attached(jwt({}, { vp: { verifiableCredential: [jwt({}, { iss: longKey })] } })),
        // In what is signed, and who has signed it.
        { ...message, 'connection~sig': { signer: '1'.repeat(300_000) } },
        {
          ...message,
          'connection~sig': {
            sig_data: base64(`12345678${JSON.stringify({ DIDDoc: { publicKey: [{ publicKeyBase58: noUri }] } })}`),
          },
        },
      ]
      for (const [index, body] of cases.entries()) {
        for (const from of [known.peer, stranger])
          await refused(from.pack(body as never, known.recipientKey), 400, `case ${index}`)
      }
      const read = (query: string, variables: object) => acme.client.codeOf(query, variables)
      const receive = 'mutation($i: ReceiveInvitationInput!) { receiveInvitation(input: $i) { connection { id } } }'
      const invitation = { '@type': 'https://didcomm.org/out-of-band/1.1/invitation', '@id': 'x'.repeat(20) }
      const slow = { ...invitation, handshake_protocols: [`${'a/1.'.repeat(50_000)}\nx`], services: [peerDid] }
      assert.equal(await read(receive, { i: { message: slow } }), 'BAD_USER_INPUT')
      assert.equal(
        await read(receive, { i: { url: `https://a.example/?oob=${base64(JSON.stringify(slow))}` } }),
        'BAD_USER_INPUT',
      )
      assert.notEqual(await read(receive, { i: { did: peerDid } }), undefined)
      const resolve = 'query($did: String!) { resolveDid(did: $did) { resolutionMetadata } }'
      const { resolveDid } = await acme.client.ask(resolve, { did: `did:key:z${'6'.repeat(4000)}` })
      assert.equal(resolveDid.resolutionMetadata.error, 'invalidDid')
    })

    test('is none where attributes have long texts and names of something else', async () => {
      const texts = {
        domain: 'a '.repeat(5000),
        services: 'a'.repeat(5000),
        to: '1'.repeat(5000),
        uri: 'a'.repeat(5000),
      }
      const contents = [
        { type: ['VerifiableCredential'], credentialSubject: { id: 'did:example:ada', ...texts } },
        { requested_proof: { self_attested_attrs: texts } },
        { proof: { domain: 'a'.repeat(400) } },
      ]
      for (const content of contents) {
        const message = {
          '@type': 'https://example.org/nothing/1.0/known',
          '@id': 'x',
          'it~attach': [{ data: { base64: json(content) } }],
        }
        const { status } = await deliver(gateway.url, known.peer.pack(message, known.recipientKey))
        assert.equal(status, 200, JSON.stringify(content).slice(0, 40))
      }
    })

    test('has changed nothing, and the gateway lives', async () => {
      assert.deepEqual(await stateOf(), untouched)
      assert.equal((await request(`${gateway.url}/health/ready`, {})).status, 200)
    })

    test('is not in a good one, which is taken once however often it comes', async () => {
      const body = JSON.stringify(pack('good'))
      for (let time = 0; time < 3; time++) assert.equal((await deliver(gateway.url, body)).status, 200)
      const { basicMessages } = await acme.client.ask('{ basicMessages { nodes { content connectionId } } }')
      assert.deepEqual(basicMessages.nodes, [{ content: 'good', connectionId: known.connectionId }])
    })

    test('inside of it is the end of it: handled, and nothing came of it', async () => {
      const before = await stateOf()
      const messages = [
        { '@type': 'https://example.org/nothing/1.0/known', '@id': 'x' },
        { '@type': 'https://didcomm.org/basicmessage/1.0/message', '@id': 'x' },
        { '@type': 'https://didcomm.org/connections/1.0/request', '@id': 'x' },
        { '@type': 'https://didcomm.org/didexchange/1.1/complete', '@id': 'x', '~thread': { thid: 'y', pthid: 'z' } },
      ]
      for (const message of messages) {
        const { status } = await deliver(gateway.url, known.peer.pack(message, known.recipientKey))
        assert.equal(status, 200, message['@type'])
      }
      assert.deepEqual(await stateOf(), before)
    })
  })
}

/** An offer by data integrity (Aries RFC 0809). */
const offerOf = (issuer: string) => ({
  data_model_versions_supported: ['1.1'],
  binding_required: true,
  binding_method: { anoncreds_link_secret: { cred_def_id: 'it', nonce: '1', key_correctness_proof: {} } },
  credential: {
    '@context': ['https://www.w3.org/2018/credentials/v1', 'https://w3id.org/security/data-integrity/v2'],
    type: ['VerifiableCredential'],
    issuer,
    issuanceDate: '2026-01-01T00:00:00Z',
    credentialSubject: { name: 'Ada' },
  },
})

const base64 = (text: string) => Buffer.from(text).toString('base64url')
const json = (content: unknown) => base64(JSON.stringify(content))

/** The same bytes but for one bit of the first or last. */
function flip(text: string, place: 'first' | 'last' = 'first'): string {
  const bytes = Buffer.from(text, 'base64')
  const index = place === 'first' ? 0 : bytes.length - 1
  bytes[index] = (bytes[index] as number) ^ 1
  return bytes.toString('base64url')
}

function change<K extends string>(target: Record<K, unknown> | undefined, name: K, to: (text: string) => string): void {
  if (!target) throw new Error('The envelope has no recipient')
  target[name] = to(String(target[name]))
}

function withHeader(envelope: Packed, tamper: (header: Header) => void): string {
  const header = JSON.parse(Buffer.from(envelope.protected, 'base64').toString()) as Header
  tamper(header)
  return JSON.stringify({ ...envelope, protected: base64(JSON.stringify(header)) })
}
