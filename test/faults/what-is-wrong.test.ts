import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'

describe('what an operator finds', () => {
  let store: TestStore
  let database: TcpProxy
  let redis: TcpProxy
  let gateway: TestGateway
  let acme: TestTenant

  const throughProxy = async (url: string | undefined, usualPort: number) => {
    const there = new URL(url ?? '')
    const proxy = await TcpProxy.to({ host: there.hostname, port: Number(there.port || usualPort) })
    there.host = `127.0.0.1:${proxy.port}`
    return { proxy, url: there.href }
  }

  before(async () => {
    store = await freshStore('postgres')
    const first = await throughProxy(store.env['DATABASE_URL'], 5432)
    const second = await throughProxy(store.env['REDIS_URL'], 6379)
    database = first.proxy
    redis = second.proxy
    gateway = await startGateway(store, { DATABASE_URL: first.url, REDIS_URL: second.url })
    acme = await makeTenant(gateway.url)
    await connect(acme, await makeTenant(gateway.url))
  })
  after(async () => {
    await database?.restore()
    await gateway?.stop()
    await database?.cut()
    await redis?.cut()
    await store?.remove()
  })

  const lines = (from: number): Record<string, string>[] =>
    gateway
      .log()
      .slice(from)
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line))
  const line = (from: number, start: string) =>
    eventually(async () => lines(from).find(({ msg }) => msg?.startsWith(start)))
  const health = async () => {
    const response = await fetch(`${gateway.url}/health/ready`)
    const { status, store, redis } = (await response.json()) as Record<string, string>
    return { code: response.status, status, store, redis }
  }

  test('all is well: ready, each part with its state', async () => {
    await eventually(async () => (await health()).redis === 'ok')
    assert.deepEqual(await health(), { code: 200, status: 'ready', store: 'ok', redis: 'ok' })
  })

  test('without Redis: a line that says so, still ready, and when it is back', async () => {
    const from = gateway.log().length
    await redis.cut()
    const told = await line(from, 'Redis cannot be reached')
    assert.match(told['msg'] ?? '', /REDIS_URL/)
    await eventually(async () => (await health()).redis === 'unreachable')
    assert.equal((await health()).code, 200)
    await redis.restore()
    await line(from, 'Redis is back')
    await eventually(async () => (await health()).redis === 'ok')
  })

  test('without Postgres: a line that says what to look at, a tenant’s id with what fails, metrics all the same', async () => {
    const peer = await OutsidePeer.connectTo(acme)
    const tap = await acme.client.follow()
    const from = gateway.log().length
    await database.cut()
    try {
      const unready = await eventually(async () => {
        const found = await health()
        return found.code === 503 && found
      })
      assert.deepEqual([unready.status, unready.store], ['store unreachable', 'unreachable'])
      const told = await line(from, 'The store cannot be used')
      assert.match(told['msg'] ?? '', /DATABASE_URL/)
      assert.equal(told['level'], 'error')

      await new Promise<void>((resolve) => {
        const done = () => resolve()
        tap.client.subscribe({ query: '{ connections { nodes { id } } }' }, { next: done, error: done, complete: done })
      })
      const request = await line(from, 'A request failed unexpectedly')
      assert.equal(request['tenantId'], acme.id)

      assert.equal((await peer.post(peer.message('x'))).status, 503)
      const inbound = await line(from, 'An inbound message could be neither handled nor stored')
      assert.equal(inbound['tenantId'], acme.id)

      const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
      assert.match(metrics, /^tenantry_store_up 0$/m)
      assert.match(metrics, /^tenantry_redis_up 1$/m)
    } finally {
      await database.restore()
      await tap.close()
      await peer.close()
    }
    await eventually(async () => (await health()).code === 200)
    await line(from, 'The store is back')
    assert.equal(lines(from).filter(({ msg }) => msg?.startsWith('The store cannot be used')).length, 1)
  })
})
