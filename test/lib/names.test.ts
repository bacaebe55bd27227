import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { peerUnreachable } from '../../src/lib/errors.js'
import { createGuardedFetch, type GuardedFetch } from '../../src/lib/guarded-fetch.js'

const A = 1

/** A name server (RFC 1035) that has an IPv4 address for each of `known`, and does not answer for what begins by `hangs`. */
async function nameServer(known: Record<string, string>) {
  const socket = createSocket('udp4')
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const name = labels.join('.').toLowerCase()
    if (name.startsWith('hangs')) return
    const isFound = name in known && query.readUInt16BE(at + 1) === A
    const head = Buffer.from(query.subarray(0, 12))
    head.writeUInt16BE(name in known ? 0x8180 : 0x8183, 2)
    head.writeUInt16BE(isFound ? 1 : 0, 6)
    head.fill(0, 8)
    const question = query.subarray(12, at + 5)
    const answer = Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 60, 0, 4, ...(known[name] ?? '').split('.').map(Number)])
    socket.send(Buffer.concat([head, question, ...(isFound ? [answer] : [])]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

describe('names of peers', () => {
  const web = createServer((_, response) => response.end('here'))
  let dns: Awaited<ReturnType<typeof nameServer>>
  let guard: GuardedFetch
  let port: number

  before(async () => {
    dns = await nameServer({ 'peer.example': '127.0.0.1', 'private.example': '10.1.2.3' })
    await once(web.listen(0, '127.0.0.1'), 'listening')
    port = (web.address() as AddressInfo).port
    guard = createGuardedFetch({
      allowLoopback: true,
      timeoutMs: 1000,
      nameServers: [`127.0.0.1:${dns.address().port}`],
    })
  })
  after(async () => {
    await guard?.close()
    dns?.close()
    web.closeAllConnections()
    web.close()
  })

  test('are asked for in the DNS, and lead only where anything may', async () => {
    assert.equal((await guard.fetch(`http://peer.example:${port}`)).body.toString(), 'here')
    assert.equal((await guard.fetch(`http://localhost:${port}`)).body.toString(), 'here')
    await assert.rejects(guard.fetch(`http://private.example:${port}`), ({ cause }) => /not allowed/.test(`${cause}`))
    await assert.rejects(guard.fetch(`http://nobody.example:${port}`), { message: peerUnreachable().message })
  })

  test('keep no others waiting where their servers do not answer', async () => {
    const hanging = Array.from({ length: 50 }, (_, n) => guard.fetch(`http://hangs${n}.example:${port}`))
    const ended = Promise.allSettled(hanging)
    for (const name of ['peer.example', 'localhost']) {
      assert.equal((await guard.fetch(`http://${name}:${port}/again`)).body.toString(), 'here')
    }
    const outcomes = await ended
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
  })
})
