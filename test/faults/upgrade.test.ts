import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeTenant } from '../support/client.js'
import {
  beginGateway,
  freshStore,
  type GatewayProcess,
  startGateway,
  type TestGateway,
  type TestStore,
} from '../support/gateway.js'
import { formatOf, inBaseWallet, lowerFormat } from '../support/stored.js'
import { eventually } from '../support/talk.js'

const WAITING = /"instanceId":"the-old-one","msg":"An earlier version runs on this store/

/** What there is as an upgrade begins: a store that is shared, and an instance of the earlier version on it. */
interface Before {
  store: TestStore
  /** The store's format. */
  format: number
  old: TestGateway
  /** Starts one of the new version, which is stopped with the test. */
  begin(instanceId: string, env?: Record<string, string>): ReturnType<typeof beginGateway>
}

async function upgrading(run: (before: Before) => Promise<void>): Promise<void> {
  const store = await freshStore('postgres')
  const gateways: GatewayProcess[] = []
  try {
    const old = await startGateway(store, { INSTANCE_ID: 'the-old-one' })
    gateways.push(old)
    const format = await lowerFormat(store)
    const begin = (instanceId: string, env = {}) => {
      const gateway = beginGateway(store, { INSTANCE_ID: instanceId, ...env })
      gateway.ready.catch(() => {})
      gateways.push(gateway)
      return gateway
    }
    await run({ store, format, old, begin })
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await store.remove()
  }
}

const isWaiting = ({ log }: GatewayProcess) => eventually(async () => WAITING.test(log()))

/** Who has said that it runs on a store, by the names that they were started under. */
const instancesIn = (store: TestStore) =>
  inBaseWallet(store, async (session) =>
    (await session.fetchAll({ category: '_instance' })).map(({ name }) => name.slice(0, name.lastIndexOf('/'))),
  )

/** Where what the new version writes cannot be read by the old one. The tests mostly wait, so they do it at once. */
describe('a store of an earlier format', { timeout: 120_000, concurrency: true }, () => {
  test('stays as it is while an instance of the earlier version runs on it; all of the new one start once it stops', () =>
    upgrading(async ({ store, format, old, begin }) => {
      const started = [begin('one'), begin('another')]
      await Promise.all(started.map(isWaiting))
      assert.equal(await formatOf(store), format)
      assert.deepEqual(await instancesIn(store), ['the-old-one'])
      await makeTenant(old.url)
      await old.stop()
      for (const { url } of await Promise.all(started.map(({ ready }) => ready))) await makeTenant(url)
      assert.equal(await formatOf(store), format + 1)
    }))

  test('stays as it is where whoever waits for the earlier version is stopped', () =>
    upgrading(async ({ store, format, old, begin }) => {
      const waiting = begin('one')
      await isWaiting(waiting)
      assert.equal(await waiting.stop(), 0)
      await old.stop()
      assert.equal(await formatOf(store), format)
    }))

  test('is taken over by workers once an instance that was killed counts as ended', () =>
    upgrading(async ({ store, format, old, begin }) => {
      await old.kill()
      const gateway = begin('one', { WORKERS: '2' })
      await isWaiting(gateway)
      await makeTenant((await gateway.ready).url)
      assert.equal(await formatOf(store), format + 1)
    }))

  test('is taken over by a process of the same name as the one that was killed, which it need not wait for', () =>
    upgrading(async ({ store, format, old, begin }) => {
      await old.kill()
      const gateway = begin('the-old-one')
      await makeTenant((await gateway.ready).url)
      assert.doesNotMatch(gateway.log(), /An earlier version runs/)
      assert.equal(await formatOf(store), format + 1)
    }))
})
