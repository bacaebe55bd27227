import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { explorer } from '../../src/server/explorer.js'
import { startTinyGraphqlServer, type TinyGraphqlServer } from '../support/tiny-graphql-server.js'

const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

describe('the explorer router', () => {
  let server: TinyGraphqlServer
  before(async () => {
    server = await startTinyGraphqlServer(explorer())
  })
  after(() => server.close())

  function get(path: string, accept: string): Promise<Response> {
    return fetch(server.origin + path, { headers: { accept } })
  }

  test("answers a browser's GET with the page, under a policy that allows its own origin alone", async () => {
    const response = await get('/graphql', browserAccept)
    assert.equal(response.status, 200)
    assert.match(await response.text(), /<title>Tenantry explorer<\/title>/)
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(response.headers.get('cache-control'), 'no-cache')
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
    assert.match(response.headers.get('vary') ?? '', /Accept/)
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /script-src 'self';/)
    assert.doesNotMatch(policy, /https?:|\*/)
  })

  test('leads a browser there from the root, and nobody else', async () => {
    const ask = (path: string, accept: string) =>
      fetch(server.origin + path, { headers: { accept }, redirect: 'manual' })
    const led = await ask('/', browserAccept)
    assert.equal(led.status, 302)
    assert.equal(new URL(led.headers.get('location') ?? '', `${server.origin}/`).pathname, '/graphql')
    assert.match(led.headers.get('vary') ?? '', /Accept/)
    for (const [path, accept] of [
      ['/', '*/*'],
      ['/', 'application/json'],
      ['/?oob=e30', browserAccept],
    ] as const) {
      assert.equal((await ask(path, accept)).status, 404, `${path} ${accept}`)
    }
  })

  for (const [who, path, accept] of [
    ['a query in the URL', '/graphql?query={viewer{role}}', browserAccept],
    ['a GraphQL client', '/graphql?query={viewer{role}}', 'application/graphql-response+json, application/json;q=0.9'],
  ] as const) {
    test(`leaves ${who} to the API`, async () => {
      const response = await get(path, accept)
      assert.deepEqual(await response.json(), { data: { viewer: { role: 'ANONYMOUS' } } })
    })
  }

  test('leaves a GET that takes anything to the API', async () => {
    const response = await get('/graphql', '*/*')
    assert.equal(response.status, 400)
    assert.doesNotMatch(await response.text(), /<html/)
  })

  test('serves every asset as what it is, to be kept for good', async () => {
    const types: Record<string, RegExp> = {
      '.js': /^text\/javascript/,
      '.css': /^text\/css/,
      '.ttf': /^font\/ttf/,
      '.svg': /^image\/svg\+xml/,
    }
    const names = await readdir(fileURLToPath(new URL('../../explorer/assets', import.meta.url)))
    assert.ok(names.length > 0)
    for (const name of names) {
      const response = await get(`/explorer/assets/${name}`, '*/*')
      await response.arrayBuffer()
      assert.equal(response.status, 200, name)
      assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable', name)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff', name)
      assert.match(response.headers.get('content-type') ?? '', types[name.slice(name.lastIndexOf('.'))] ?? /^$/, name)
    }
  })

  for (const path of ['missing.js', '', '..%2findex.html', '..%2f..%2fpackage.json']) {
    test(`has no asset at "${path}", and says so without being kept`, async () => {
      const response = await get(`/explorer/assets/${path}`, '*/*')
      assert.ok([403, 404].includes(response.status), `${response.status}`)
      assert.doesNotMatch(response.headers.get('cache-control') ?? '', /immutable/)
      assert.doesNotMatch(await response.text(), /Error|node_modules/)
    })
  }
})

test('says how to build the page where it is not built', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-explorer-'))
  const server = await startTinyGraphqlServer(explorer({ folder }))
  try {
    const response = await fetch(`${server.origin}/graphql`, { headers: { accept: browserAccept } })
    assert.equal(response.status, 200)
    assert.match(await response.text(), /<code>npm run build<\/code>/)
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
})
