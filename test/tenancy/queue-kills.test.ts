import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshStore, STORES, startGateway } from '../support/gateway.js'
import { readAll } from '../support/ledger.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { freePort } from '../support/ports.js'
import { atOnce, eventually } from '../support/talk.js'
import { isLocked, lock, makeUnmanaged, unlock, wallet } from './unmanaged.js'

/** `TEST_QUEUED` says how many wait, and `TEST_KILLS` how often the process is killed while it drains them. */
const QUEUED = Number(process.env['TEST_QUEUED'] ?? 320)
const KILLS = Number(process.env['TEST_KILLS'] ?? 2)
/** Senders that each wait for an answer before they send the next. */
const CHAINS = 8

for (const kind of STORES) {
  test(`${KILLS} times kill -9 while ${QUEUED} messages are drained on ${kind}: each is handled once, in order`, async (t) => {
    const store = await freshStore(kind)
    const env = { PORT: `${await freePort()}`, INSTANCE_ID: 'alone' }
    let gateway = await startGateway(store, env)
    let peer: OutsidePeer | undefined
    try {
      // Whatever is drained counts as coming now: idle time does not lock the wallet in the midst of it.
      const tenant = await makeUnmanaged(gateway.url, { settings: { idleTimeout: 5 } })
      peer = await OutsidePeer.connectTo(tenant)
      const { message, post } = { message: peer.message.bind(peer), post: peer.post.bind(peer) }
      const queued = async () => (await wallet(tenant.client)).queuedMessages
      await lock(tenant)
      const sentAt = Date.now()
      await atOnce(CHAINS, CHAINS, async (chain) => {
        for (let n = 0; n < QUEUED / CHAINS; n++) {
          const envelope = message(`${chain}/${n}`)
          assert.equal((await post(envelope)).status, 202)
          // Some agents send again what was answered.
          if (n % 10 === 0) assert.equal((await post(envelope)).status, 202)
        }
      })
      const drainedAt = Date.now()
      t.diagnostic(`${QUEUED} queued in ${drainedAt - sentAt} ms`)
      assert.equal(await queued(), QUEUED)
      for (let kill = 0; kill < KILLS; kill++) {
        const before = await queued()
        await unlock(tenant)
        await eventually(async () => (await queued()) < before)
        await sleep(Math.random() * 200)
        await gateway.kill()
        gateway = await startGateway(store, env)
        assert.equal(await isLocked(tenant.client), true)
        const left = await queued()
        t.diagnostic(`${left} left after a kill`)
        assert.ok(left > 0, 'it was killed while it drained')
      }
      await unlock(tenant)
      await eventually(async () => (await queued()) === 0, 600_000)
      t.diagnostic(`drained in ${Date.now() - drainedAt} ms, restarts included`)
      const found = (await readAll(tenant.client, 'basicMessages')).map(({ content }) => content as string)
      assert.equal(found.length, QUEUED)
      for (let chain = 0; chain < CHAINS; chain++) {
        assert.deepEqual(
          found.filter((content) => content.startsWith(`${chain}/`)),
          Array.from({ length: QUEUED / CHAINS }, (_, n) => `${chain}/${n}`),
        )
      }
      // And the wallet goes on.
      assert.equal((await post(message('after'))).status, 200)
    } finally {
      await peer?.close()
      await gateway.stop()
      await store.remove()
    }
  })
}
