import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { isGatewayError, peerUnreachable } from '../../src/lib/errors.js'
import { createGuardedFetch, type GuardedFetchOptions } from '../../src/lib/guarded-fetch.js'

async function serve(t: TestContext, listener: RequestListener, host = '127.0.0.1') {
  const server = createServer(listener).listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { server, port, url: `http://127.0.0.1:${port}` }
}

function guarded(t: TestContext, options: GuardedFetchOptions = {}) {
  const guard = createGuardedFetch({ timeoutMs: 2000, ...options })
  t.after(() => guard.close())
  return guard.fetch
}

async function refused(promise: Promise<unknown>, reason?: RegExp) {
  await assert.rejects(promise, (error) => {
    assert.ok(isGatewayError(error, 'PEER_UNREACHABLE'))
    assert.equal(error.message, peerUnreachable().message)
    if (reason) assert.match(String(error.cause), reason)
    return true
  })
}

const notAllowed = /address is not allowed/

describe('guarded fetch', () => {
  test('gives status, headers and body', async (t) => {
    const { url } = await serve(t, (request, response) => {
      response.writeHead(201, { 'content-type': 'text/plain' })
      request.on('data', (chunk) => response.write(`${request.method} ${chunk}`)).on('end', () => response.end())
    })
    const fetch = guarded(t, { allowLoopback: true })
    const answer = await fetch(`${url}/x?y=1`, { method: 'POST', body: 'hello', headers: { 'content-type': 'a/b' } })
    assert.equal(answer.status, 201)
    assert.equal(answer.headers['content-type'], 'text/plain')
    assert.equal(answer.body.toString(), 'POST hello')
    assert.equal(answer.url, `${url}/x?y=1`)
  })

  test('refuses loopback by literal, by name and by disguise, without connecting', async (t) => {
    let requests = 0
    const { port } = await serve(t, (_, response) => {
      requests++
      response.end()
    })
    const fetch = guarded(t)
    const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0.0.0.0', '[::]', '[::1]']
    for (const host of [...hosts, 'localhost', 'LOCALHOST', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]']) {
      await refused(fetch(`http://${host}:${port}/`), notAllowed)
    }
    assert.equal(requests, 0)
  })

  test('refuses private and link-local addresses at once', async (t) => {
    const fetch = guarded(t, { allowLoopback: true })
    const start = performance.now()
    for (const host of ['169.254.169.254', '10.0.0.1', '192.168.1.1', '100.64.0.1', '[fe80::1]', '[fd00::1]']) {
      await refused(fetch(`http://${host}/latest/meta-data`), notAllowed)
    }
    assert.ok(performance.now() - start < 500)
  })

  test('says the same of a refused address, a refused connection and a name that is not there', async (t) => {
    const { server, port } = await serve(t, () => {})
    server.close()
    await once(server, 'close')
    const fetch = guarded(t, { allowLoopback: true })
    await refused(fetch(`http://127.0.0.1:${port}/`), /ECONNREFUSED/)
    await refused(fetch('http://10.0.0.1/'), notAllowed)
    await refused(fetch('http://no-such-host.invalid/'))
  })

  test('refuses other schemes, credentials and what is no URL', async (t) => {
    const fetch = guarded(t, { allowLoopback: true })
    for (const url of ['file:///etc/passwd', 'ftp://a.example', 'http://u:p@127.0.0.1/', 'nothing', '', 'http://']) {
      await refused(fetch(url))
    }
  })

  test('opens sockets to what may be reached alone, checked as requests are', async (t) => {
    const { server, port } = await serve(t, (_request, response) => response.end())
    let connections = 0
    new WebSocketServer({ server }).on('connection', () => {
      connections += 1
    })
    const open = (url: string, options: GuardedFetchOptions = {}) => {
      const guard = createGuardedFetch({ timeoutMs: 2000, ...options })
      t.after(() => guard.close())
      return guard.socket(url, { maxBytes: 1000 })
    }
    const limits = { allowLoopback: true }
    for (const url of [`ws://127.0.0.1:${port}/`, `ws://0x7f.1:${port}/`, 'wss://10.0.0.1/', 'ws://[::1]/'])
      assert.throws(() => open(url), notAllowed, url)
    for (const url of [`http://127.0.0.1:${port}/`, `ws://a:b@127.0.0.1:${port}/`])
      assert.throws(() => open(url, limits), /protocol is not allowed|credentials/, url)
    // A name is looked up by the socket itself.
    const [error] = await once(open(`ws://localhost:${port}/`), 'error')
    assert.match(String(error), notAllowed)
    assert.equal(connections, 0)
    const socket = open(`ws://127.0.0.1:${port}/`, limits)
    await once(socket, 'open')
    socket.close()
    await once(socket, 'close')
    const own = open(`ws://127.0.0.1:${port}/`, { ownUrl: () => `http://127.0.0.1:${port}` })
    await once(own, 'open')
    own.close()
    await once(own, 'close')
    assert.equal(connections, 2)
  })

  test('reaches loopback where that is allowed, by either family', async (t) => {
    const fetch = guarded(t, { allowLoopback: true })
    const { port } = await serve(t, (_, response) => response.end('here'), '::1')
    assert.equal((await fetch(`http://[::1]:${port}/`)).body.toString(), 'here')
    for (const { address } of await lookup('localhost', { all: true })) {
      const { port } = await serve(t, (_, response) => response.end('here'), address)
      assert.equal((await fetch(`http://localhost:${port}/`)).body.toString(), 'here')
    }
  })

  test('reaches its own URL but not its neighbours, also once it is known late', async (t) => {
    const own = await serve(t, (_, response) => response.end('own'))
    const other = await serve(t, (_, response) => response.end('other'))
    let ownUrl: string | undefined
    const fetch = guarded(t, { ownUrl: () => ownUrl })
    await refused(fetch(own.url), notAllowed)
    ownUrl = `${own.url}/base`
    assert.equal((await fetch(`${own.url}/didcomm`)).body.toString(), 'own')
    await refused(fetch(other.url), notAllowed)
    ownUrl = `http://localhost:${own.port}`
    assert.equal((await fetch(`${ownUrl}/didcomm`)).body.toString(), 'own')
  })

  test('reaches what the list allows, by range and by name', async (t) => {
    const { url, port } = await serve(t, (_, response) => response.end('here'))
    assert.equal((await guarded(t, { allow: ['127.0.0.0/8'] })(url)).status, 200)
    assert.equal((await guarded(t, { allow: ['localhost'] })(`http://localhost:${port}`)).status, 200)
    await refused(guarded(t, { allow: ['localhost'] })(url), notAllowed)
    await refused(guarded(t, { allow: ['10.0.0.0/8'] })(url), notAllowed)
  })

  test('checks each hop of a redirect again', async (t) => {
    const targets: Record<string, string> = {
      '/private': 'http://10.0.0.1/',
      '/metadata': 'http://169.254.169.254/latest',
      '/scheme': 'file:///etc/passwd',
      '/loop': '/loop',
      '/ok': '/end?x=1',
    }
    const { url } = await serve(t, (request, response) => {
      const location = targets[request.url ?? '']
      if (location) response.writeHead(302, { location }).end('x'.repeat(100_000))
      else response.end(request.url)
    })
    const fetch = guarded(t, { allowLoopback: true })
    await refused(fetch(`${url}/private`), notAllowed)
    await refused(fetch(`${url}/metadata`), notAllowed)
    await refused(fetch(`${url}/scheme`))
    await refused(fetch(`${url}/loop`), /too many redirects/)
    await refused(fetch(`${url}/ok`, { maxRedirects: 0 }), /too many redirects/)
    const answer = await fetch(`${url}/ok`)
    assert.equal(answer.url, `${url}/end?x=1`)
    assert.equal(answer.body.toString(), '/end?x=1')
  })

  test('gives a redirected POST as it is', async (t) => {
    const { url } = await serve(t, (_, response) => response.writeHead(307, { location: '/other' }).end())
    assert.equal((await guarded(t, { allowLoopback: true })(url, { method: 'POST', body: 'x' })).status, 307)
  })

  test('takes credentials to no other origin', async (t) => {
    const seen: (string | undefined)[] = []
    const second = await serve(t, (request, response) => {
      seen.push(request.headers.authorization, request.headers.accept)
      response.end()
    })
    const first = await serve(t, (_, response) => response.writeHead(302, { location: second.url }).end())
    const headers = { Authorization: 'Bearer x', accept: 'a/b' }
    await guarded(t, { allowLoopback: true })(first.url, { headers })
    assert.deepEqual(seen, [undefined, 'a/b'])
  })

  test('stops at the size limit, told or not', async (t) => {
    let sent = 0
    const { url } = await serve(t, (request, response) => {
      if (request.url === '/told') return response.writeHead(200, { 'content-length': 10_000_000 }).end('x')
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
      }
      response.on('drain', more)
      more()
    })
    const fetch = guarded(t, { allowLoopback: true, maxBytes: 100_000 })
    await refused(fetch(`${url}/told`), /too large/)
    await refused(fetch(`${url}/endless`), /too large/)
    assert.ok(sent < 20_000_000)
  })

  test('takes a body of just the limit', async (t) => {
    const { url } = await serve(t, (_, response) => response.end('x'.repeat(1000)))
    const fetch = guarded(t, { allowLoopback: true })
    assert.equal((await fetch(url, { maxBytes: 1000 })).body.length, 1000)
    await refused(fetch(url, { maxBytes: 999 }), /too large/)
  })

  test('refuses headers without end', async (t) => {
    const { url } = await serve(t, (_, response) => response.writeHead(200, { 'x-long': 'x'.repeat(50_000) }).end())
    await refused(guarded(t, { allowLoopback: true })(url), /[Hh]eaders/)
  })

  test('gives up on a peer that hangs or trickles, while others are served', async (t) => {
    const sockets = new Set<Socket>()
    const silent = createTcpServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const { url } = await serve(t, (request, response) => {
      if (request.url === '/fast') return response.end('fast')
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const fetch = guarded(t, { allowLoopback: true, timeoutMs: 400 })
    const start = performance.now()
    const { port } = silent.address() as AddressInfo
    const slow = Promise.all([
      ...Array.from({ length: 50 }, () => refused(fetch(`http://127.0.0.1:${port}/`), /time limit/)),
      refused(fetch(`${url}/trickle`), /time limit/),
    ])
    assert.equal((await fetch(`${url}/fast`)).body.toString(), 'fast')
    assert.ok(performance.now() - start < 350)
    await slow
    assert.ok(performance.now() - start < 1500)
  })

  test('ends with the reason of the caller who gives up', async (t) => {
    const { url } = await serve(t, () => {})
    const fetch = guarded(t, { allowLoopback: true })
    const abort = new AbortController()
    const waiting = fetch(url, { signal: abort.signal })
    setTimeout(() => abort.abort(new Error('stopping')), 50)
    await assert.rejects(waiting, /stopping/)
    await assert.rejects(fetch(url, { signal: abort.signal }), /stopping/)
  })

  test('keeps connections for the next request', async (t) => {
    const { url, server } = await serve(t, (_, response) => response.end('x'))
    let connections = 0
    server.on('connection', () => connections++)
    const fetch = guarded(t, { allowLoopback: true })
    for (let i = 0; i < 20; i++) await fetch(url)
    assert.ok(connections <= 2, `${connections} connections`)
  })

  test('once closed, finishes what is under way and starts nothing', async (t) => {
    const { url } = await serve(t, (_, response) => setTimeout(() => response.end('done'), 100))
    const guard = createGuardedFetch({ allowLoopback: true })
    const under = guard.fetch(url)
    await guard.close()
    assert.equal((await under).body.toString(), 'done')
    await refused(guard.fetch(url), /closed/)
  })
})
