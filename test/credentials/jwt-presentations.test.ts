import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { base58Encode } from '../../src/lib/base58.js'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { tempDir } from '../support/services.js'
import { startStockWallet } from '../support/stock-wallet.js'
import { eventually } from '../support/talk.js'
import { attachedJson, type Line, Rogue, threadOf } from './rogue.js'
import { connectStock, importStock } from './stock-holder.js'
import { OPERATIONS, prove } from './story.js'

const REASON = 'The presentation that came does not hold.'
const CONTEXT = ['https://www.w3.org/2018/credentials/v1']
const ANSWER = { id: 'degree', format: 'jwt_vc', path: '$.verifiableCredential[0]' }
const JWT = { jwt_vc: { alg: ['EdDSA'] }, jwt_vp: { alg: ['EdDSA'] } }

/** What a verifier asks of a degree. */
const definitionOf = (issuerDid: string) => ({
  format: JWT,
  input_descriptors: [
    {
      id: 'degree',
      constraints: {
        fields: [
          { path: ['$.issuer', '$.vc.issuer', '$.iss'], filter: { type: 'string', const: issuerDid } },
          { path: ['$.type', '$.vc.type'], filter: { type: 'array', contains: { type: 'string', const: 'Degree' } } },
          { path: ['$.credentialSubject.name', '$.vc.credentialSubject.name'], filter: { type: 'string' } },
          {
            path: ['$.credentialSubject.year', '$.vc.credentialSubject.year'],
            filter: { type: 'number', minimum: 2020 },
          },
        ],
      },
    },
  ],
})

describe('a presentation of W3C JWTs', () => {
  let store: TestStore
  let gateway: TestGateway
  let rogue: Rogue
  let verifier: TestTenant
  let line: Line
  const [issuer, holder, thief] = [party(), party(), party()]

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, rogue] = await Promise.all([startGateway(store), Rogue.create()])
    verifier = await makeTenant(gateway.url)
    line = await rogue.connectTo(verifier)
  })
  after(async () => {
    await Promise.all([rogue?.close(), gateway?.stop()])
    await store?.remove()
  })

  interface Asked {
    id: string
    threadId: string
    definitionId: string
    challenge: string
  }

  async function ask(request: object = definitionOf(issuer.did)): Promise<Asked> {
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId: line.connectionId, name: 'Who?', request, format: 'PRESENTATION_EXCHANGE' },
    })
    const { id, threadId } = requestProof.proofExchange
    const message = await rogue.received('/request-presentation', (one) => threadOf(one) === threadId)
    const { presentation_definition, options } = attachedJson(message, 'request_presentations')
    return { id, threadId, definitionId: presentation_definition.id, challenge: options.challenge }
  }

  const degree = (change: { payload?: object; vc?: object; header?: object } = {}, by = issuer) =>
    by.jwt(
      {
        ...{ iss: issuer.did, sub: holder.did, nbf: 1_700_000_000 },
        vc: {
          '@context': CONTEXT,
          type: ['VerifiableCredential', 'Degree'],
          credentialSubject: { name: 'Ada', year: 2024 },
          ...change.vc,
        },
        ...change.payload,
      },
      change.header,
    )

  const shown = (
    { challenge, definitionId }: Asked,
    credentials: unknown[] = [degree()],
    {
      by = holder,
      payload = {},
      header = {},
      map = [ANSWER],
    }: { by?: Party; payload?: object; header?: object; map?: object[] } = {},
  ) =>
    by.jwt(
      {
        ...{ iss: by.did, nonce: challenge },
        vp: {
          '@context': CONTEXT,
          type: ['VerifiablePresentation'],
          verifiableCredential: credentials,
          presentation_submission: { id: 'it', definition_id: definitionId, descriptor_map: map },
        },
        ...payload,
      },
      header,
    )

  async function answer(asked: Asked, proof: unknown): Promise<AnyEvent> {
    await rogue.send(line, 'present-proof/2.0/presentation', asked.threadId, {
      attach: 'presentations',
      format: 'dif/presentation-exchange/submission@v1.0',
      data: proof,
      last_presentation: true,
    })
    return eventually(async () => {
      const { proofExchange } = await verifier.client.ask(OPERATIONS.proof, { id: asked.id })
      return ['DONE', 'ABANDONED'].includes(proofExchange.state) && proofExchange
    })
  }

  async function assertRefused(asked: Asked, proof: unknown, what: string): Promise<void> {
    const { state, verified, revealed, errorMessage } = await answer(asked, proof)
    assert.deepEqual([state, verified, revealed, errorMessage], ['ABANDONED', false, null, REASON], what)
  }

  test('that holds is verified, and no other', async () => {
    const asked = await ask()
    const good = shown(asked)
    const { state, verified, revealed } = await answer(asked, good)
    assert.deepEqual([state, verified, revealed], ['DONE', true, { degree: { name: 'Ada', year: 2024 } }])
    await assertRefused(await ask(), good, 'for another challenge')
    const now = Math.floor(Date.now() / 1000)
    const wrong: Record<string, string> = {
      'a claim is changed': changed(degree(), (payload) =>
        Object.assign(payload.vc.credentialSubject, { name: 'Root' }),
      ),
      'it is signed by another': degree({ header: { kid: issuer.kid } }, thief),
      'it is of another issuer': degree({ payload: { iss: thief.did } }, thief),
      'it is of another issuer than it is signed by': degree({}, thief),
      'it is not signed': `${degree({ header: { alg: 'none' } })
        .split('.')
        .slice(0, 2)
        .join('.')}.`,
      'it has expired': degree({ payload: { exp: now - 3600 } }),
      'it expires otherwise': degree({ payload: { exp: now + 3600 }, vc: { expirationDate: '2020-01-01T00:00:00Z' } }),
      'it is of a time to come': degree({ payload: { nbf: now + 3600 } }),
      'it has a status': degree({
        vc: { credentialStatus: { id: 'https://example.org/1', type: 'StatusList2021Entry' } },
      }),
      'it is about nobody': degree({ payload: { sub: undefined } }),
      'it is about another': degree({ payload: { sub: thief.did } }),
      'it is of another type': degree({ vc: { type: ['VerifiableCredential'] } }),
      'it says too little': degree({ vc: { credentialSubject: { name: 'Ada', year: 2019 } } }),
      'it says less': degree({ vc: { credentialSubject: { year: 2024 } } }),
      'it is none': 'e30.e30.e30',
    }
    for (const [what, credential] of Object.entries(wrong)) {
      const next = await ask()
      await assertRefused(next, shown(next, [credential]), what)
    }
    const maps: Record<string, object[]> = {
      'no answer': [],
      'the same twice': [ANSWER, ANSWER],
      'a credential that is not there': [{ ...ANSWER, path: '$.verifiableCredential[1]' }],
      'a path further in': [{ ...ANSWER, path_nested: ANSWER }],
    }
    for (const [what, map] of Object.entries(maps)) {
      const next = await ask()
      await assertRefused(next, shown(next, undefined, { map }), what)
    }
    const beside = await ask()
    await assertRefused(beside, shown(beside, [degree(), degree()]), 'one beside it')
    for (const nothing of [null, {}, 'e30', degree()]) await assertRefused(await ask(), nothing, `${nothing}`)
  })

  test('is refused at once where it is almost a JWT, of which each letter may be the last of a part', async () => {
    const long = `e30.${'b'.repeat(300_000)}!`
    await assertRefused(await ask(), long, 'itself')
    const asked = await ask()
    await assertRefused(asked, shown(asked, [long]), 'a credential of it')
  })

  test('is refused of whoever is not the holder', async () => {
    const [asked, unnamed, named] = [await ask(), await ask(), await ask()]
    await assertRefused(asked, shown(asked, undefined, { by: thief }), 'by another')
    await assertRefused(
      unnamed,
      shown(unnamed, undefined, { by: thief, payload: { iss: undefined } }),
      'by one unnamed',
    )
    await assertRefused(named, shown(named, undefined, { by: thief, payload: { iss: holder.did } }), 'in its name')
    // A document that says of its key that it is the holder's.
    const site = await serveDid((did) => ({
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: did,
      verificationMethod: [
        { id: `${did}#key`, type: 'Multikey', controller: holder.did, publicKeyMultibase: thief.multikey },
      ],
      authentication: [`${did}#key`],
      assertionMethod: [`${did}#key`],
    }))
    try {
      for (const payload of [{ iss: undefined }, { iss: holder.did }, { iss: site.did }]) {
        const next = await ask()
        const forged = shown(next, undefined, { by: thief, payload, header: { kid: `${site.did}#key` } })
        await assertRefused(next, forged, 'by a key that is called his')
      }
    } finally {
      await site.close()
    }
  })

  test('is neither asked for nor taken in place of another kind', async () => {
    const ofAnonCreds = {
      input_descriptors: [{ id: 'degree', constraints: { fields: [{ path: ['$.credentialSubject.name'] }] } }],
    }
    const asked = await ask(ofAnonCreds)
    await assertRefused(asked, shown(asked), 'a JWT where AnonCreds is asked for')
    const [descriptor] = definitionOf(issuer.did).input_descriptors as [AnyEvent]
    const fields = (...more: object[]) => ({
      format: JWT,
      input_descriptors: [{ ...descriptor, constraints: { fields: [...descriptor.constraints.fields, ...more] } }],
    })
    const withStatus = structuredClone(fields()) as AnyEvent
    withStatus.input_descriptors[0].constraints.statuses = { active: { directive: 'required' } }
    for (const request of [
      fields({ path: ['$.credentialSubject.age'], predicate: 'required', filter: { minimum: 18 } }),
      fields({ path: ['$.proof.verificationMethod'], filter: { const: 'it' } }),
      withStatus,
      { ...fields(), input_descriptors: [descriptor, { ...descriptor, id: 'other', format: { di_vc: {} } }] },
      { ...fields(), format: { mso_mdoc: {} } },
    ]) {
      const input = { name: 'Who?', request, format: 'PRESENTATION_EXCHANGE' }
      assert.equal(
        await verifier.client.codeOf(OPERATIONS.requestProof, { input }),
        'BAD_USER_INPUT',
        JSON.stringify(request),
      )
    }
  })

  test('is made by stock Credo, and by the tenant that it becomes', async () => {
    const folder = tempDir()
    const path = join(folder.path, 'holder.db')
    const agent = await startStockWallet(path, await freePort())
    try {
      const { didState } = await agent.dids.create({
        method: 'key',
        options: { createKey: { type: { kty: 'OKP', crv: 'Ed25519' } } },
      } as never)
      const subject = didState.did as string
      const { W3cCredentialRecord, W3cJwtVerifiableCredential } = await import('@credo-ts/core')
      const record = (jwt: string) =>
        W3cCredentialRecord.fromCredential(W3cJwtVerifiableCredential.fromSerializedJwt(jwt))
      await agent.w3cCredentials.store({ record: record(degree({ payload: { sub: subject } })) })
      const connectionId = await connectStock(verifier, agent)
      const input = { connectionId, name: 'Who?', request: definitionOf(issuer.did), format: 'PRESENTATION_EXCHANGE' }
      const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, { input })
      const proof = await eventually(async () => {
        const { proofExchange } = await verifier.client.ask(OPERATIONS.proof, { id: requestProof.proofExchange.id })
        return ['DONE', 'ABANDONED'].includes(proofExchange.state) && proofExchange
      }, 60_000)
      assert.deepEqual([proof.state, proof.revealed], ['DONE', { degree: { name: 'Ada', year: 2024 } }])
      // Of what fits stock Credo takes any, also what has expired, or is about somebody else.
      const claims = (name: string) => ({ vc: { credentialSubject: { name, year: 2024 } } })
      for (const jwt of [
        degree(claims('Somebody else')),
        degree({ payload: { sub: subject, exp: 1_700_000_001 }, ...claims('Old') }),
      ])
        await agent.w3cCredentials.store({ record: record(jwt) })
      await agent.shutdown()

      const tenant = await importStock(gateway, path)
      const { credentials } = await tenant.client.ask(OPERATIONS.credentials)
      assert.deepEqual(
        credentials.nodes
          .map(({ format, issuerDid, attributes }: AnyEvent) => [format, issuerDid, attributes.name])
          .sort(),
        [
          ['W3C_JWT', issuer.did, 'Ada'],
          ['W3C_JWT', issuer.did, 'Old'],
          ['W3C_JWT', issuer.did, 'Somebody else'],
        ],
      )
      const proved = await prove(verifier, tenant, await connect(verifier, tenant), definitionOf(issuer.did), {
        format: 'PRESENTATION_EXCHANGE',
      })
      assert.deepEqual([proved.state, proved.revealed], ['DONE', { degree: { name: 'Ada', year: 2024 } }])
    } finally {
      await agent.shutdown().catch(() => {})
      folder.remove()
    }
  })
})

type Party = ReturnType<typeof party>

/** Somebody with a did:key, who signs what it likes. */
function party() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const multikey = `z${base58Encode(Buffer.concat([Buffer.from([0xed, 0x01]), rawOf(publicKey)]))}`
  const did = `did:key:${multikey}`
  const kid = `${did}#${multikey}`
  const jwt = (payload: object, header: object = {}) => {
    const text = [{ alg: 'EdDSA', typ: 'JWT', kid, ...header }, payload].map(part).join('.')
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
  }
  return { did, kid, multikey, jwt }
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url')
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The same signature over something else. */
function changed(jwt: string, change: (payload: AnyEvent) => void): string {
  const [header, payload = '', signature] = jwt.split('.')
  const json = JSON.parse(Buffer.from(payload, 'base64url').toString())
  change(json)
  return [header, part(json), signature].join('.')
}

/** Serves the document of a did:web. */
async function serveDid(documentOf: (did: string) => object) {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documentOf(did)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const did = `did:web:localhost%3A${(server.address() as AddressInfo).port}`
  return {
    did,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
