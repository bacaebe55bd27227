import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, makeTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway } from '../support/gateway.js'
import { assertToldIsTrue, readAll } from '../support/ledger.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { eventually, say } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'
import { assertNothingLeft } from './raw.js'
import { deleteTenant, resume, stateAt, suspend } from './states.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'
/** How long the database is away (ms). */
const AWAY_MS = 2000
/** When, after a change is asked for, it goes (ms). */
const CUT_AFTER_MS = [3, 25]

test('suspending, resuming and deleting hold while Postgres is away for seconds, wherever that cuts them', async (t) => {
  const store = await freshStore('postgres')
  const database = new URL(store.env['DATABASE_URL'] as string)
  const proxy = await TcpProxy.to({ host: database.hostname, port: Number(database.port || 5432) })
  const throughProxy = new URL(database)
  throughProxy.hostname = '127.0.0.1'
  throughProxy.port = `${proxy.port}`
  const gateways: TestGateway[] = []
  const peers: OutsidePeer[] = []
  /** Takes the database from the one instance as it does something. */
  const cut = async (moment: Promise<unknown>, work: Promise<unknown>) => {
    const done = work.then(
      () => 'done',
      () => 'failed',
    )
    await moment
    await proxy.cut()
    await sleep(AWAY_MS)
    await proxy.restore()
    return done
  }
  try {
    const here = await startGateway(store, { DATABASE_URL: throughProxy.href })
    gateways.push(here)
    const there = await startGateway(store)
    gateways.push(there)
    const stays = await makeTenant(there.url)
    const gone = []
    for (const ms of CUT_AFTER_MS) {
      const outside = await OutsidePeer.connectTo(await makeTenant(here.url, { eventDispatch: 'BOTH' }))
      peers.push(outside)
      const { tenant } = outside
      gone.push(tenant)
      const link = await connect(tenant, stays)
      const outcomes = [await cut(sleep(ms), suspend(here.url, tenant))]
      // Asking again is always right.
      await eventually(async () => (await suspend(here.url, tenant)) === 'SUSPENDED')
      for (const { url } of gateways)
        await eventually(async () => (await tenant.client.at(url).codeOf(INVITE)) === 'TENANT_SUSPENDED')
      const contents = ['a', 'b', 'c', 'd'].map((letter) => `${letter} ${ms}`)
      for (const [index, content] of contents.entries()) {
        const { url } = gateways[index % 2] as TestGateway
        assert.equal((await outside.post(outside.message(content), url)).status, 202)
      }

      outcomes.push(await cut(sleep(ms), resume(here.url, tenant)))
      await eventually(async () => (await resume(here.url, tenant)) === 'ACTIVE')
      await eventually(async () => (await stateAt(there.url, tenant))?.queuedMessages === 0)
      const came = (await readAll(tenant.client, 'basicMessages')).map(({ content }) => content)
      assert.deepEqual(came, contents)
      for (const { url } of gateways)
        await eventually(() => say(tenant.client.at(url), link.inviter, 'goes on').then(() => true))
      await assertToldIsTrue(tenant.client)

      // Once it has begun, nobody has to ask again.
      const isLast = ms === CUT_AFTER_MS.at(-1)
      const begun = async () => {
        while ((await stateAt(there.url, tenant))?.state === 'ACTIVE') {}
      }
      outcomes.push(await cut(isLast ? begun() : sleep(ms), deleteTenant(here.url, tenant)))
      t.diagnostic(`cut after ${ms} ms: suspending ${outcomes[0]}, resuming ${outcomes[1]}, deleting ${outcomes[2]}`)
      const finished = async () => {
        const found = await stateAt(there.url, tenant)
        return found?.state !== 'DELETING' && { found }
      }
      const { found } = await eventually(finished)
      if (isLast) assert.equal(found, null)
      if (found) await eventually(() => deleteTenant(here.url, tenant).then(() => true))
      for (const { url } of gateways) {
        await eventually(async () => (await tenant.client.at(url).codeOf(INVITE)) === 'UNAUTHENTICATED')
        await eventually(async () => (await outside.post(outside.message('late'), url)).status === 404)
      }
    }
    for (const gateway of gateways) assert.equal(await gateway.stop(), 0)
    await assertNothingLeft(store, gone, [stays])
  } finally {
    for (const peer of peers) await peer.close()
    for (const gateway of gateways) await gateway.stop()
    await proxy.cut()
    await store.remove()
  }
})
