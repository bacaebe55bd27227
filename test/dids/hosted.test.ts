import assert from 'node:assert/strict'
import { connect as openSocket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { deleteTenant } from '../tenancy/states.js'
import {
  CREATE,
  createDid,
  DEACTIVATE,
  deactivateDid,
  resolveAt,
  resolveByStock,
  UPDATE,
  updateDid,
  urlOf,
} from './did-api.js'

for (const kind of STORES) {
  describe(`hosted DIDs on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let other: TestGateway | undefined
    /** Of the second instance, where there is one. */
    let otherUrl: string
    let tenant: TestTenant
    let stranger: TestTenant

    before(async () => {
      store = await freshStore(kind)
      const port = await freePort()
      gateway = await startGateway(store, { PORT: `${port}` })
      otherUrl = gateway.url
      if (kind === 'postgres') {
        const otherPort = await freePort()
        // Peers know both by one URL, as behind a load balancer.
        other = await startGateway(store, { PORT: `${otherPort}`, PUBLIC_URL: gateway.url })
        otherUrl = `http://127.0.0.1:${otherPort}`
      }
      tenant = await makeTenant(gateway.url)
      stranger = await makeTenant(gateway.url)
    })
    after(async () => {
      await other?.stop()
      await gateway?.stop()
      await store?.remove()
    })

    test('a did:webvh resolves by didwebvh-ts alone, by this gateway, and by plain HTTP', async () => {
      const path = uniqueName('acme')
      const { did, document } = await createDid(tenant.client, 'webvh', { path: `${path}/issuer` })
      const port = new URL(gateway.url).port
      assert.match(did, new RegExp(`^did:webvh:Qm[A-Za-z0-9]{44}:localhost%3A${port}:${path}:issuer$`))
      const [{ id, publicKeyMultibase, controller }] = document.verificationMethod
      assert.deepEqual(document.assertionMethod, [`${did}#${publicKeyMultibase}`])
      assert.deepEqual(document.authentication, [id])
      assert.equal(controller, did)

      const stock = await resolveByStock(did)
      assert.equal(stock.doc.id, did)
      assert.deepEqual(stock.doc.verificationMethod, document.verificationMethod)
      assert.equal(stock.meta.prerotation, true)
      assert.ok(!stock.meta.updateKeys.includes(publicKeyMultibase), 'it signs with another key than it is updated by')

      const resolved = await resolveAt(stranger.client, did)
      assert.deepEqual(resolved.document, document)
      assert.equal(resolved.metadata.versionId, stock.meta.versionId)

      const answer = await fetch(urlOf(did, 'did.jsonl'))
      assert.equal(answer.status, 200)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/jsonl/)
      const lines = (await answer.text()).trim().split('\n')
      assert.equal(JSON.parse(lines[0] as string).state.id, did)
    })

    test('a did:web resolves by plain HTTP, and by this gateway', async () => {
      const { did, document } = await createDid(tenant.client, 'web')
      assert.match(did, /^did:web:localhost%3A\d+:[0-9a-f]{16}$/)
      const answer = await fetch(urlOf(did, 'did.json'))
      assert.match(answer.headers.get('content-type') ?? '', /^application\/did\+json/)
      assert.deepEqual(await answer.json(), document)
      assert.deepEqual((await resolveAt(stranger.client, did)).document, document)
      assert.equal((await fetch(urlOf(did, 'did.jsonl'))).status, 404)
    })

    test('a new key, and services, are served by every instance at once', async () => {
      const { did, document } = await createDid(tenant.client, 'webvh')
      const service = { id: 'files', type: 'LinkedDomains', serviceEndpoint: 'https://acme.example' }
      const updated = await updateDid(tenant.client.at(otherUrl), { did, rotateKeys: true, addServices: [service] })
      const [before, now] = [document, updated.document].map((one) => one.verificationMethod[0].publicKeyMultibase)
      assert.notEqual(before, now)
      assert.deepEqual(updated.document.service, [{ ...service, id: `${did}#files` }])
      assert.ok(updated.updatedAt)
      for (const url of new Set([gateway.url, otherUrl])) {
        const log = await (await fetch(urlOf(did, 'did.jsonl').replace(/^http:\/\/[^/]+/, url))).text()
        assert.equal(log.trim().split('\n').length, 2)
        assert.deepEqual((await resolveAt(stranger.client.at(url), did)).document, updated.document)
      }
      const stock = await resolveByStock(did)
      assert.deepEqual(stock.doc.verificationMethod, updated.document.verificationMethod)
      assert.equal(stock.meta.prerotation, true)
      const without = await updateDid(tenant.client, { did, removeServices: ['files'] })
      assert.equal(without.document.service, undefined)
      assert.deepEqual(without.document.verificationMethod, updated.document.verificationMethod)
      assert.equal((await resolveByStock(did)).meta.versionId.split('-')[0], '3')
    })

    test('a deactivated DID says so, and takes no more changes', async () => {
      for (const method of ['web', 'webvh']) {
        const { did } = await createDid(tenant.client, method)
        const ended = await deactivateDid(tenant.client, did)
        assert.ok(ended.deactivatedAt)
        assert.equal(ended.document, null)
        for (const client of [tenant.client, stranger.client]) {
          const { document, metadata } = await resolveAt(client, did)
          assert.equal(document, null)
          assert.equal(metadata.deactivated, true)
        }
        if (method === 'webvh') {
          const { meta, doc } = await resolveByStock(did)
          assert.equal(meta.deactivated, true)
          assert.equal(doc.verificationMethod, undefined)
        } else {
          assert.equal((await fetch(urlOf(did, 'did.json'))).status, 404)
        }
        assert.equal(await tenant.client.codeOf(UPDATE, { input: { did, rotateKeys: true } }), 'CONFLICT')
        assert.equal(await tenant.client.codeOf(DEACTIVATE, { did }), 'CONFLICT')
      }
    })

    test('each change is told on the stream, and listed', async () => {
      const tap = await tenant.client.follow({ topics: ['DID'] })
      const { did } = await createDid(tenant.client, 'webvh')
      await updateDid(tenant.client, { did, rotateKeys: true })
      await deactivateDid(tenant.client, did)
      await tap.until(() => tap.events.filter((event) => event.did.did === did).length === 3)
      await tap.close()
      const { dids } = await tenant.client.ask('{ dids(last: 1, method: "webvh") { nodes { did deactivatedAt } } }')
      assert.equal(dids.nodes[0].did, did)
      assert.ok(dids.nodes[0].deactivatedAt)
    })

    test('a path is one DID of one tenant', async () => {
      const path = uniqueName('taken')
      await createDid(tenant.client, 'webvh', { path })
      for (const [client, method] of [
        [tenant.client, 'webvh'],
        [stranger.client, 'webvh'],
        [stranger.client, 'web'],
      ] as const) {
        assert.equal(await client.codeOf(CREATE, { method, options: { path } }), 'CONFLICT')
      }
      await createDid(stranger.client, 'webvh', { path: `${path}/below` })
      const both = [tenant, stranger].flatMap(({ client }) => [client, client.at(otherUrl)])
      const raced = await Promise.all(
        both.map((client) => client.send(CREATE, { method: 'web', options: { path: `${path}-raced` } })),
      )
      assert.equal(raced.filter(({ errors }) => !errors).length, 1)
      for (const { errors } of raced) if (errors) assert.equal(errors[0]?.extensions.code, 'CONFLICT')
    })

    test('no path lies under a route of the gateway, or can be written in two ways', async () => {
      const bad = [
        'graphql',
        'graphql/a',
        'didcomm',
        'health',
        'metrics',
        'audit/x',
        'explorer',
        'tails',
        'resources/a',
        'exports',
        '.well-known',
        'a/../b',
        '..',
        '.',
        'a//b',
        '/a',
        'a/',
        '',
        'A',
        'a/B',
        'a%2fb',
        'a%2e',
        'a\\b',
        'ä',
        'a b',
        'a:b',
        'a?b',
        'a#b',
        'a/b/c/d/e',
        'x'.repeat(65),
        'localhost',
        'my-localhost',
        'a\n',
        'a\u0000',
      ]
      for (const path of bad) {
        const { errors } = await tenant.client.send(CREATE, { method: 'webvh', options: { path } })
        assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT', JSON.stringify(path))
        assert.equal(errors?.[0]?.extensions.field, 'input.options.path')
      }
      for (const options of [{ path: 1 }, { path: null }, { path: ['a'] }, { pfad: 'a' }]) {
        assert.equal(await tenant.client.codeOf(CREATE, { method: 'web', options }), 'BAD_USER_INPUT')
      }
    })

    test('nothing but the one way to write a URL leads to what is hosted', async () => {
      const path = uniqueName('plain')
      await createDid(tenant.client, 'webvh', { path })
      assert.match(await raw(gateway, `/${path}/did.jsonl`), /^HTTP\/1.1 200/)
      assert.match(await raw(gateway, `/${path}/did.jsonl`, 'HEAD'), /^HTTP\/1.1 200[\s\S]+\r\n\r\n$/)
      const ways = [
        `/${path}`,
        `/${path}/`,
        `//${path}/did.jsonl`,
        `/${path}//did.jsonl`,
        `/./${path}/did.jsonl`,
        `/${path}/../${path}/did.jsonl`,
        `/${path}/%2e%2e/${path}/did.jsonl`,
        `/%${path.charCodeAt(0).toString(16)}${path.slice(1)}/did.jsonl`,
        `/${path}%2fdid.jsonl`,
        `/${path}/did%2ejsonl`,
        `/${path}/did%252ejsonl`,
        `/${path}\\did.jsonl`,
        `/${path.toUpperCase()}/did.jsonl`,
        `/${path}/DID.jsonl`,
        `/tails/../${path}/did.jsonl`,
        `/${path}/did.jsonl/`,
        `/${path}/did.json`,
        `/${path}/did-witness.json`,
        `/${path}/resources/`,
        `/${path}/resources/zabc`,
        '/tails/',
        '/tails/abc',
        '/nobody/did.jsonl',
        '/.well-known/did.jsonl',
        '/did.jsonl',
        '/did.json',
      ]
      const answers = new Set<string>()
      for (const way of ways) {
        const answer = await raw(gateway, way)
        assert.match(answer, /^HTTP\/1.1 404/, way)
        answers.add(answer.slice(answer.indexOf('\r\n\r\n')))
      }
      assert.equal(answers.size, 1)
      assert.match(await raw(gateway, `/graphql/../${path}/did.jsonl`), /^HTTP\/1.1 400/)
    })

    test('caches ask again, and learn cheaply that nothing has changed', async () => {
      const { did } = await createDid(tenant.client, 'webvh')
      const url = urlOf(did, 'did.jsonl')
      const first = await fetch(url, { headers: { origin: 'https://any.example' } })
      assert.equal(first.headers.get('cache-control'), 'no-cache')
      assert.equal(first.headers.get('access-control-allow-origin'), '*')
      const etag = first.headers.get('etag') as string
      const ask = async () => (await fetch(url, { headers: { 'if-none-match': `W/"other", ${etag}` } })).status
      assert.equal(await ask(), 304)
      await updateDid(tenant.client, { did, rotateKeys: true })
      assert.equal(await ask(), 200)
    })

    test('what is wrong with a change is said plainly', async () => {
      const { did } = await createDid(tenant.client, 'webvh')
      const key = await createDid(tenant.client, 'key')
      const service = { id: 'a', type: 'b', serviceEndpoint: 'https://a.example' }
      const inputs: [object, string][] = [
        [{ did }, 'BAD_USER_INPUT'],
        [{ did, removeServices: ['none'] }, 'BAD_USER_INPUT'],
        [{ did, addServices: [service, service] }, 'BAD_USER_INPUT'],
        [{ did, addServices: [{ ...service, id: 'a#b' }] }, 'BAD_USER_INPUT'],
        [{ did, addServices: [{ ...service, serviceEndpoint: 'no uri' }] }, 'BAD_USER_INPUT'],
        [{ did: key.did, rotateKeys: true }, 'BAD_USER_INPUT'],
        [{ did: 'did:web:localhost:nobody', rotateKeys: true }, 'NOT_FOUND'],
      ]
      for (const [input, code] of inputs) assert.equal(await tenant.client.codeOf(UPDATE, { input }), code)
      assert.equal(await stranger.client.codeOf(UPDATE, { input: { did, rotateKeys: true } }), 'NOT_FOUND')
      assert.equal(await stranger.client.codeOf(DEACTIVATE, { did }), 'NOT_FOUND')
    })

    test('what a tenant hosted goes with it, and its path is free', async () => {
      const leaving = await makeTenant(gateway.url)
      const path = uniqueName('leaving')
      const { did } = await createDid(leaving.client, 'webvh', { path })
      await deleteTenant(otherUrl, leaving)
      assert.equal((await fetch(urlOf(did, 'did.jsonl'))).status, 404)
      assert.equal((await resolveAt(stranger.client, did)).resolutionMetadata.error, 'notFound')
      await createDid(stranger.client, 'web', { path })
    })

    test('a did:jwk is made of a key of the type that is asked for', async () => {
      for (const keyType of ['Ed25519', 'P-256', 'P-384', 'secp256k1']) {
        const { did, document } = await createDid(tenant.client, 'jwk', { keyType })
        assert.equal(document.verificationMethod[0].publicKeyJwk.crv, keyType)
        assert.equal((await resolveAt(stranger.client, did)).document.id, did)
      }
      assert.equal(await tenant.client.codeOf(CREATE, { method: 'jwk', options: { keyType: 'RSA' } }), 'BAD_USER_INPUT')
    })
  })
}

test('without TLS nothing is hosted but for localhost', async () => {
  const store = await freshStore('sqlite')
  const port = await freePort()
  const gateway = await startGateway(store, { PORT: `${port}`, PUBLIC_URL: 'http://agents.example.org' })
  try {
    const { client } = await makeTenant(`http://127.0.0.1:${port}`)
    for (const method of ['web', 'webvh']) {
      const { errors } = await client.send(CREATE, { method })
      assert.equal(errors?.[0]?.extensions.code, 'CONFLICT')
      assert.match(errors?.[0]?.message ?? '', /PUBLIC_URL of https/)
    }
  } finally {
    await gateway.stop()
    await store.remove()
  }
})

/** One request as it is written, without any client that would put its target in order. @returns the whole answer */
function raw(gateway: TestGateway, target: string, method = 'GET'): Promise<string> {
  const { hostname, port } = new URL(gateway.url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = openSocket(Number(port), hostname, () => {
      socket.write(`${method} ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    })
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
