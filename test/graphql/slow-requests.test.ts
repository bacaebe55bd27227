import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import express, { Router } from 'express'
import { createLogger } from '../../src/lib/logger.js'
import { HttpServer } from '../../src/server/http-server.js'
import { eventually } from '../support/talk.js'

const COME_WITHIN_MS = 200

describe('requests that come slowly, and those that are over', () => {
  let server: HttpServer
  let port: number
  let body: WeakRef<object> | undefined

  before(async () => {
    server = new HttpServer({
      host: '127.0.0.1',
      port: 0,
      corsOrigins: [],
      routes: [],
      routers: [
        Router()
          .get('/metrics', () => {})
          .post('/metrics', express.json(), (req, res) => {
            body = new WeakRef(req.body)
            res.end()
          }),
      ],
      sockets: [],
      unhurried: /^\/imports\//,
      comeWithinMs: COME_WITHIN_MS,
      logger: createLogger({ level: 'fatal', format: 'json' }),
    })
    port = await server.listen()
  })
  after(() => server?.close(0))

  /** Sends the beginning of a request. @returns whether it is cut off within five times its time */
  async function isCut(beginning: string): Promise<boolean> {
    const socket = connect(port, '127.0.0.1')
    socket.resume().on('error', () => {})
    socket.write(beginning)
    const closed = once(socket, 'close').then(() => true)
    const kept = new Promise<boolean>((resolve) => setTimeout(resolve, COME_WITHIN_MS * 5, false))
    const result = await Promise.race([closed, kept])
    socket.destroy()
    return result
  }

  test('are cut off, but for those that may take long, and for those that have come', async () => {
    const half = 'HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345'
    const cut = await Promise.all([
      isCut(`POST /graphql ${half}`),
      isCut(`POST /imports/1 ${half}`),
      isCut('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'),
    ])
    assert.deepEqual(cut, [true, false, false])
  })

  test('leave nothing of what they brought while their connection is kept', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const agent = new Agent({ keepAlive: true })
    const headers = { 'content-type': 'application/json' }
    const asked = request({ agent, host: '127.0.0.1', port, method: 'POST', path: '/metrics', headers })
    asked.end('{"key":"secret"}')
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    await once(answer.resume(), 'end')
    try {
      assert.ok(body)
      await eventually(async () => {
        collect()
        return body?.deref() === undefined
      })
      assert.equal(Object.values(agent.freeSockets).flat().length, 1)
    } finally {
      agent.destroy()
    }
  })
})
