import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '../../src/lib/logger.js'
import { RedisBus } from '../../src/redis/bus.js'
import { connectRedis } from '../../src/redis/connect.js'
import { freshRedis } from '../support/services.js'
import { eventually } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'

const logger = createLogger({ level: 'silent', format: 'json' })
const channel = `tenantry:test:${randomUUID()}`

/** An instance, as far as it tells others and is told. */
function newBus(url: string, name: string) {
  const redis = connectRedis([url], logger)
  const subscriber = connectRedis([url], logger, { enableOfflineQueue: true, commandTimeout: undefined })
  const bus = new RedisBus(redis, subscriber, channel, name, logger)
  const heard: number[] = []
  bus.on('log', ({ seq }) => heard.push(seq))
  return { bus, heard }
}

test('instances that were there before Redis hear each other once it comes, and again after it was away', async () => {
  const { hostname, port } = new URL(freshRedis().url)
  const proxy = await TcpProxy.to({ host: hostname, port: Number(port || 6379) })
  await proxy.cut()
  const url = `redis://127.0.0.1:${proxy.port}`
  const [one, other] = [newBus(url, 'one'), newBus(url, 'other')]
  try {
    // Longer than what waits for a connection is kept.
    await sleep(1500)
    for (const seq of [1, 2]) {
      assert.deepEqual([one.bus.connected, other.bus.connected], [false, false])
      await proxy.restore()
      await eventually(async () => one.bus.connected && other.bus.connected)
      one.bus.publish('log', { log: 'a', seq })
      await eventually(async () => other.heard.includes(seq))
      await proxy.cut()
      await eventually(async () => !one.bus.connected && !other.bus.connected)
    }
  } finally {
    await Promise.all([one.bus.close(), other.bus.close()])
    await proxy.cut()
  }
})
