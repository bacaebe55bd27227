import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { connect, makeTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertToldIsTrue, readAll } from '../support/ledger.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { freePort } from '../support/ports.js'
import { atOnce, eventually, say } from '../support/talk.js'
import { TcpProxy } from '../support/tcp-proxy.js'

for (const kind of STORES) {
  describe(`inbound messages on ${kind}`, () => {
    let store: TestStore
    let env: Record<string, string>
    let gateway: TestGateway
    let peer: OutsidePeer
    before(async () => {
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}` }
      gateway = await startGateway(store, env)
      peer = await OutsidePeer.connectTo(await makeTenant(gateway.url))
    })
    after(async () => {
      await peer?.close()
      await gateway?.stop()
      await store?.remove()
    })
    const contents = async () => (await readAll(peer.tenant.client, 'basicMessages')).map(({ content }) => content)

    test('what was answered 200 is in the wallet after kill -9', async () => {
      const answered: string[] = []
      const posting = atOnce(200, 8, async (index) => {
        const content = `answered ${index}`
        const { status } = await peer.post(peer.message(content))
        assert.equal(status, 200)
        answered.push(content)
      }).catch(() => {})
      await eventually(async () => answered.length > 0)
      await sleep(200)
      await gateway.kill()
      await posting
      gateway = await startGateway(store, env)
      const stored = await contents()
      assert.ok(answered.length > 0)
      assert.deepEqual(
        answered.filter((content) => !stored.includes(content)),
        [],
      )
      await assertToldIsTrue(peer.tenant.client)
    })

    test('the same envelope is handled once, at once, later and after a restart', async () => {
      const envelope = peer.message('only once')
      const statuses = (await Promise.all([1, 2, 3].map(() => peer.post(envelope)))).map(({ status }) => status)
      await gateway.kill()
      gateway = await startGateway(store, env)
      statuses.push((await peer.post(envelope)).status)
      assert.deepEqual(statuses, [200, 200, 200, 200])
      assert.equal((await contents()).filter((content) => content === 'only once').length, 1)
    })
  })
}

describe('inbound messages while services fail', () => {
  let store: TestStore
  let database: TcpProxy
  let redis: TcpProxy
  let gateway: TestGateway
  let peer: OutsidePeer
  let ownRedis: Redis
  let ownDatabase: pg.Client
  before(async () => {
    store = await freshStore('postgres')
    const databaseUrl = new URL(store.env['DATABASE_URL'] ?? '')
    const redisUrl = new URL(store.env['REDIS_URL'] ?? '')
    ownRedis = new Redis(redisUrl.href)
    ownDatabase = new pg.Client({ connectionString: databaseUrl.href })
    await ownDatabase.connect()
    database = await TcpProxy.to({ host: databaseUrl.hostname, port: Number(databaseUrl.port || 5432) })
    redis = await TcpProxy.to({ host: redisUrl.hostname, port: Number(redisUrl.port || 6379) })
    databaseUrl.host = `127.0.0.1:${database.port}`
    redisUrl.host = `127.0.0.1:${redis.port}`
    gateway = await startGateway(store, {
      DATABASE_URL: databaseUrl.href,
      REDIS_URL: redisUrl.href,
      SESSION_IDLE: '1s',
    })
    peer = await OutsidePeer.connectTo(await makeTenant(gateway.url))
  })
  after(async () => {
    await peer?.close()
    await database?.restore()
    await gateway?.stop()
    await Promise.all([database?.cut(), redis?.cut(), ownDatabase?.end()])
    ownRedis?.disconnect()
    await store?.remove()
  })
  const arrives = async (content: string) => {
    assert.equal((await peer.post(peer.message(content))).status, 200)
    const stored = await readAll(peer.tenant.client, 'basicMessages')
    assert.equal(stored.filter((message) => message.content === content).length, 1)
  }
  const ready = async () => (await fetch(`${gateway.url}/health/ready`)).status

  test('arrive while Redis is away, and when it is back', async () => {
    await redis.cut()
    await arrives('without Redis')
    await redis.restore()
    await arrives('with Redis again')
  })

  test('arrive though the hints in Redis are gone or wrong', async () => {
    const other = await makeTenant(gateway.url)
    const [name] = await ownRedis.keys(`tenantry:*:route:${peer.recipientKey}`)
    assert.ok(name, 'no hint of the route is in Redis')
    for (const wrong of [undefined, other.id, 'no-such-tenant']) {
      // A process that has never seen the key, so that it asks Redis.
      const fresh = await startGateway(store, { REDIS_URL: store.env['REDIS_URL'] ?? '' })
      if (wrong === undefined) await ownRedis.del(name)
      else await ownRedis.set(name, wrong)
      const content = `hinted at ${wrong}`
      const there = Object.assign(Object.create(peer), {
        tenant: { ...peer.tenant, client: peer.tenant.client.at(fresh.url) },
      }) as OutsidePeer
      assert.equal((await there.post(peer.message(content))).status, 200)
      assert.equal(await ownRedis.get(name), peer.tenant.id)
      await fresh.stop()
      const stored = await readAll(peer.tenant.client, 'basicMessages')
      assert.equal(stored.filter((message) => message.content === content).length, 1)
    }
  })

  test('are answered 503 while the database is away, and 200 when it is back', async () => {
    assert.equal(await ready(), 200)
    await database.cut()
    await eventually(async () => (await ready()) === 503)
    const refused = await peer.post(peer.message('too early'))
    assert.equal(refused.status, 503)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    await database.restore()
    await eventually(async () => (await ready()) === 200)
    await eventually(async () => (await peer.post(peer.message('early enough'))).status === 200)
    await assertToldIsTrue(peer.tenant.client)
  })

  test('and handshakes go on while connections to the database break again and again', async () => {
    const tenant = await makeTenant(gateway.url)
    const link = await connect(tenant, peer.tenant)
    let breaking = true
    const breaks = (async () => {
      while (breaking) {
        await ownDatabase.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        )
        await sleep(200)
      }
    })()
    const accepted: string[] = []
    await atOnce(60, 4, async (index) => {
      const content = `through breaks ${index}`
      await say(tenant.client, link.inviter, content).then(
        () => accepted.push(content),
        () => {},
      )
    })
    breaking = false
    await breaks
    assert.ok(accepted.length > 0)
    await eventually(async () => {
      const stored = (await readAll(peer.tenant.client, 'basicMessages')).map(({ content }) => content)
      return accepted.every((content) => stored.includes(content))
    })
    const stored = (await readAll(peer.tenant.client, 'basicMessages')).map(({ content }) => content)
    assert.equal(new Set(stored).size, stored.length)
    for (const { client } of [tenant, peer.tenant]) await assertToldIsTrue(client)
    await connect(tenant, peer.tenant)
  })
})
