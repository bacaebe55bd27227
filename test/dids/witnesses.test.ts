import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { didWebvhResolver } from '../../src/agent/did-webvh.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'
import { makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import {
  type AnyDid,
  CREATE,
  createDid,
  deactivateDid,
  resolveAt,
  resolveByStock,
  UPDATE,
  updateDid,
  urlOf,
} from './did-api.js'

for (const kind of STORES) {
  describe(`witnesses of hosted DIDs on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let url: string
    /** Where others find the gateway: what it serves of witnesses goes by `forge`. */
    let front: Server
    let forge: ((file: AnyDid) => AnyDid) | undefined
    let tenant: TestTenant
    let stranger: TestTenant
    const witnesses: string[] = []
    const guarded = createGuardedFetch({ allowLoopback: true })
    const resolveByOther = didWebvhResolver(guarded)

    before(async () => {
      store = await freshStore(kind)
      const [port, own] = [await freePort(), await freePort()]
      url = `http://127.0.0.1:${own}`
      gateway = await startGateway(store, { PORT: `${own}`, PUBLIC_URL: `http://127.0.0.1:${port}` })
      front = createServer(async (req, res) => {
        const answer = await fetch(`${url}${req.url}`)
        const body = await answer.text()
        const isForged = forge && answer.ok && req.url?.endsWith('/did-witness.json')
        res.writeHead(answer.status).end(isForged ? JSON.stringify(forge?.(JSON.parse(body))) : body)
      }).listen(port, '127.0.0.1')
      await once(front, 'listening')
      tenant = await makeTenant(url)
      stranger = await makeTenant(url)
      for (let i = 0; i < 3; i++) witnesses.push((await createDid(tenant.client, 'key')).did)
    })
    after(async () => {
      front?.close()
      await guarded.close()
      await gateway?.stop()
      await store?.remove()
    })

    const approvals = async (did: string): Promise<AnyDid[]> =>
      (await fetch(urlOf(did, 'did-witness.json').replace(/^http:\/\/[^/]+/, url))).json() as Promise<AnyDid[]>

    /** By didwebvh-ts, and by a gateway elsewhere. */
    const resolves = async (did: string): Promise<boolean> => {
      const [stock, other] = [await resolveByStock(did), await resolveByOther(did)]
      const holds = [stock.doc !== null, 'document' in other]
      assert.equal(holds[0], holds[1], JSON.stringify([stock.meta.problemDetails, other]))
      if (stock.doc && 'document' in other && other.document) {
        assert.deepEqual(stock.doc.verificationMethod, other.document['verificationMethod'])
      }
      return holds[0] as boolean
    }

    test('each version is approved by those that its DID names, and resolves with them', async () => {
      const [one = '', two = ''] = witnesses
      const witness = { witnesses: [one, two], threshold: 2 }
      const { did, document } = await createDid(tenant.client, 'webvh', { path: uniqueName('seen'), witness })
      assert.ok(await resolves(did))
      const stock = await resolveByStock(did)
      assert.deepEqual(stock.meta.witness, { threshold: 2, witnesses: [{ id: one }, { id: two }] })
      assert.deepEqual((await resolveAt(stranger.client, did)).document, document)
      await updateDid(tenant.client, { did, rotateKeys: true })
      assert.ok(await resolves(did))
      const [only, ...rest] = await approvals(did)
      assert.equal(rest.length, 0)
      assert.match(only.versionId, /^2-/)
      assert.deepEqual(
        only.proof.map((one: AnyDid) => one.verificationMethod.split('#')[0]),
        [one, two],
      )
    })

    test('what is served of them is asked for again, which is cheap', async () => {
      const { did } = await createDid(tenant.client, 'webvh', { witness: { witnesses } })
      const answer = await fetch(urlOf(did, 'did-witness.json').replace(/^http:\/\/[^/]+/, url))
      assert.equal(answer.headers.get('cache-control'), 'no-cache')
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
      const etag = answer.headers.get('etag') as string
      assert.equal((await fetch(answer.url, { headers: { 'if-none-match': etag } })).status, 304)
      await updateDid(tenant.client, { did, rotateKeys: true })
      assert.equal((await fetch(answer.url, { headers: { 'if-none-match': etag } })).status, 200)
      const { did: plain } = await createDid(tenant.client, 'webvh')
      assert.equal((await fetch(urlOf(plain, 'did-witness.json'))).status, 404)
    })

    test('they are named, replaced and left out by changes, each approved by those before, to the end of the DID', async () => {
      const [one = '', two = '', three = ''] = witnesses
      const { did } = await createDid(tenant.client, 'webvh')
      const change = async (witness: object) => {
        await updateDid(tenant.client, { did, witness })
        assert.ok(await resolves(did), JSON.stringify(witness))
        return (await approvals(did)).map(({ versionId, proof }) => [
          Number(versionId.split('-')[0]),
          ...proof.map((by: AnyDid) => by.verificationMethod.split('#')[0]),
        ])
      }
      assert.deepEqual(await change({ witnesses: [one] }), [[3, one]])
      const replaced = [
        [4, one],
        [5, two, three],
      ]
      assert.deepEqual(await change({ witnesses: [two, three], threshold: 1 }), replaced)
      const left = [
        [4, one],
        [6, two, three],
      ]
      assert.deepEqual(await change({ witnesses: [] }), left)
      await updateDid(tenant.client, { did, rotateKeys: true })
      assert.ok(await resolves(did))
      await change({ witnesses: [one] })
      await deactivateDid(tenant.client, did)
      assert.ok(await resolves(did))
      assert.equal((await resolveByStock(did)).meta.deactivated, true)
    })

    test('nobody takes a version whose approval is missing, forged, or for another one', async () => {
      const [one = '', two = ''] = witnesses
      const { did } = await createDid(tenant.client, 'webvh', { witness: { witnesses: [one, two] } })
      const { did: other } = await createDid(tenant.client, 'webvh', { witness: { witnesses: [one, two] } })
      const [foreign] = await approvals(other)
      const forgeries: ((file: AnyDid) => AnyDid)[] = [
        () => [],
        () => [foreign],
        ([only]) => [{ ...only, proof: foreign.proof }],
        ([only]) => [{ ...only, proof: only.proof.slice(0, 1) }],
        ([only]) => [{ ...only, proof: [only.proof[0], { ...only.proof[1], proofValue: only.proof[0].proofValue }] }],
        ([only]) => [
          {
            ...only,
            proof: [only.proof[0], { ...only.proof[0], verificationMethod: only.proof[1].verificationMethod }],
          },
        ],
      ]
      try {
        for (const [index, forgery] of forgeries.entries()) {
          forge = forgery
          assert.equal(await resolves(did), false, `forgery ${index}`)
        }
      } finally {
        forge = undefined
      }
      assert.ok(await resolves(did))
    })

    test('only DIDs of the wallet itself, each once, can be named, and only for a did:webvh', async () => {
      const [one = ''] = witnesses
      const { did: foreign } = await createDid(stranger.client, 'key')
      const { did } = await createDid(tenant.client, 'webvh')
      const { did: web } = await createDid(tenant.client, 'web')
      const bad: unknown[] = [
        { witnesses: [foreign] },
        { witnesses: [one, foreign], threshold: 1 },
        { witnesses: [did] },
        { witnesses: [`${one}x`] },
        { witnesses: [one, one] },
        { witnesses: [one], threshold: 2 },
        { witnesses: [one], threshold: 0 },
        { witnesses: [], threshold: 1 },
        { witnesses: Array.from({ length: 17 }, () => one) },
      ]
      for (const witness of bad) {
        const what = JSON.stringify(witness)
        assert.equal(await tenant.client.codeOf(UPDATE, { input: { did, witness } }), 'BAD_USER_INPUT', what)
      }
      for (const witness of [...bad, 1, [], '', { witnesses: one }, { witnesses: [one], weight: 1 }]) {
        const what = JSON.stringify(witness)
        const variables = { method: 'webvh', options: { witness } }
        assert.equal(await tenant.client.codeOf(CREATE, variables), 'BAD_USER_INPUT', what)
      }
      const witness = { witnesses: [one] }
      assert.equal(await tenant.client.codeOf(CREATE, { method: 'web', options: { witness } }), 'BAD_USER_INPUT')
      assert.equal(await tenant.client.codeOf(UPDATE, { input: { did: web, witness } }), 'BAD_USER_INPUT')
      assert.ok(await resolves(did))
    })
  })
}
