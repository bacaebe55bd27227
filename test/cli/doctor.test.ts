import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Sqlite from 'libsql'
import pg from 'pg'
import { loadAskar } from '../../src/askar/index.js'
import type { WalletStore } from '../../src/storage/store.js'
import { runCli } from '../support/cli.js'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'
import { freePort } from '../support/ports.js'
import { eventually, say } from '../support/talk.js'

interface Found {
  about: string
  state: 'ok' | 'warning' | 'wrong'
  says: string
  advice?: string
  fixable: boolean
  fixed: boolean
}

const OTHER_KEY = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyP'
const OWN_NAME = '0123456789abcdef0123456789abcdef'

for (const kind of STORES) {
  describe(`doctor on ${kind}`, { timeout: 300_000 }, () => {
    let store: TestStore
    let port: string
    let gateway: TestGateway
    let acme: TestTenant
    let globex: TestTenant
    let link: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      port = String(await freePort())
      gateway = await startGateway(store, { PORT: port })
      acme = await makeTenant(gateway.url)
      globex = await makeTenant(gateway.url)
      link = await connect(acme, globex)
      await makeTenant(gateway.url, { walletStorage: 'STORE' })
      // As a gateway does every five minutes.
      if (kind === 'postgres') await onDatabase('ANALYZE items; ANALYZE items_tags')
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    async function doctor(env: Record<string, string> = {}, ...args: string[]) {
      const { code, stdout, stderr } = await runCli(['doctor', '--json', ...args], { ...store.env, PORT: port, ...env })
      assert.equal(stderr, '')
      for (const name of ['STORE_KEY', 'JWT_SECRET', 'OPERATOR_API_KEYS']) {
        assert.ok(!stdout.includes(store.env[name] as string), `no ${name} in it`)
      }
      const found = JSON.parse(stdout) as Found[]
      for (const { state, advice } of found) assert.ok(state === 'ok' || advice, 'each says what to do')
      return { code, found, ill: found.filter(({ state, fixed }) => state !== 'ok' && !fixed) }
    }
    const says = (found: Found[], text: RegExp) => found.find((finding) => text.test(finding.says))

    /** Does something to the store while no gateway runs. */
    async function inStore(work: (opened: WalletStore) => Promise<void>): Promise<void> {
      // The store's library takes the binding that is there when it is first imported.
      await loadAskar({ binding: 'koffi' })
      const { WalletStore } = await import('../../src/storage/store.js')
      const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir = '', STORE_KEY: key = '' } = store.env
      const location = databaseUrl ? { databaseUrl } : { file: join(dataDir, 'wallets.db') }
      const opened = await WalletStore.open({ location, key, poolSize: 3 })
      try {
        await work(opened)
      } finally {
        await opened.close()
      }
    }

    test('says that all is well while a gateway runs, and that it is the one that PUBLIC_URL leads to', async () => {
      const { code, found, ill } = await doctor()
      assert.deepEqual([code, ill], [0, []])
      assert.ok(says(found, /^A gateway on this store listens at http:\/\/127\.0\.0\.1:/))
      assert.ok(says(found, /leads to a gateway on this store$/))
      assert.ok(says(found, /^3 tenants, each with its wallet$/))
      assert.ok(says(found, /^Nothing is left unfinished$/))
    })

    test('speaks to people in lines with a sign, and what to do under it', async () => {
      const { code, stdout } = await runCli(['doctor'], { ...store.env, PORT: port, PUBLIC_URL: 'http://127.0.0.1:1' })
      assert.equal(code, 1)
      assert.match(stdout, /^✓ store: The key opens the store \(format \d+\)$/m)
      assert.match(
        stdout,
        /^✗ public url: http:\/\/127\.0\.0\.1:1 does not answer, and a gateway runs here\n {2}→ Check PUBLIC_URL/m,
      )
      assert.match(stdout, /^1 wrong, 0 to be looked at\.\n$/m)
    })

    test('finds that PUBLIC_URL leads elsewhere, and that something else has the port', async () => {
      const stranger = createServer((_req, res) => void res.end('{"status":"live"}')).listen(0, '127.0.0.1')
      try {
        await once(stranger, 'listening')
        const taken = String((stranger.address() as AddressInfo).port)
        const led = await doctor({ PUBLIC_URL: `http://127.0.0.1:${taken}` })
        assert.equal(led.code, 1)
        assert.match(led.ill[0]?.says ?? '', /leads to something else, or to a gateway on another store/)
        const { ill } = await doctor({ PORT: taken })
        assert.ok(says(ill, /^Something else listens at/))
      } finally {
        stranger.close()
      }
    })

    test('finds a wrong key, a missing one, and wrong settings', async () => {
      const wrong = await doctor({ STORE_KEY: OTHER_KEY })
      assert.equal(wrong.code, 1)
      assert.equal(says(wrong.ill, /^The store key does not open this store$/)?.state, 'wrong')
      if (kind === 'sqlite') {
        const none = await doctor({ STORE_KEY: '' })
        assert.ok(says(none.ill, /^There is no store key here$/))
      }
      const { code, stderr } = await runCli(['doctor'], { ...store.env, JWT_SECRET: 'short' })
      assert.equal(code, 2)
      assert.match(stderr, /^JWT_SECRET: [^\n]+\n$/)
    })

    if (kind === 'postgres') {
      test('finds that Redis is away, or Postgres', async () => {
        const noRedis = await doctor({ REDIS_URL: 'redis://127.0.0.1:1' })
        assert.equal(noRedis.code, 1)
        assert.match(noRedis.ill[0]?.says ?? '', /^127\.0\.0\.1:1 does not answer/)
        const noPostgres = await doctor({ DATABASE_URL: 'postgres://someone:secret@127.0.0.1:1/x' })
        assert.equal(noPostgres.code, 1)
        assert.ok(says(noPostgres.ill, /^127\.0\.0\.1:1 does not let us in \(ECONNREFUSED\)$/))
        assert.ok(!JSON.stringify(noPostgres.found).includes('secret@'))
      })

      test('finds instances that do not agree', async () => {
        const other = await startGateway(store, { JWT_SECRET: 'another-jwt-secret-of-at-least-32-bytes' })
        try {
          const { code, ill } = await doctor()
          assert.equal(code, 1)
          assert.ok(says(ill, /^Instances have different JWT_SECRET/))
        } finally {
          await other.stop()
        }
      })

      test('finds instances that do not take the same operator keys, but for those that take none', async () => {
        const facing = await startGateway(store, { ADMIN_API: 'off', OPERATOR_API_KEYS: '' })
        try {
          const differ = /^Instances have different OPERATOR_API_KEYS$/
          assert.equal(says((await doctor()).ill, differ), undefined)
          const other = await startGateway(store, { OPERATOR_API_KEYS: 'another-operator-key-0123456789' })
          try {
            const { code, ill } = await doctor()
            assert.equal(code, 1)
            assert.equal(says(ill, differ)?.state, 'wrong')
          } finally {
            await other.stop()
          }
        } finally {
          await facing.stop()
        }
      })

      test('finds more connections wanted than Postgres takes', async () => {
        const { ill } = await doctor({ POOL_SIZE: '1000' })
        assert.match(says(ill, /^Postgres takes \d+ connections/)?.advice ?? '', /POOL_SIZE/)
      })
    }

    test('finds files that others can read, and takes that away', async () => {
      const secrets = join(store.env['DATA_DIR'] as string, 'secrets')
      mkdirSync(secrets, { mode: 0o700, recursive: true })
      const file = join(secrets, 'jwt-secret')
      writeFileSync(file, 'a-secret-that-others-can-read-0123456789\n')
      chmodSync(file, 0o644)
      const { code, ill } = await doctor()
      assert.equal(code, 1)
      assert.equal(ill[0]?.says, `Others on this machine can read ${file}`)
      assert.equal(statSync(file).mode & 0o777, 0o644, 'it changes nothing unless it is asked to')
      assert.equal((await doctor({}, '--fix')).code, 0)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      assert.deepEqual((await doctor()).ill, [])
    })

    test('finds what kill -9 has left, and that a gateway finishes it', async () => {
      const peer = await OutsidePeer.connectTo(acme)
      await peer.close()
      const { connections } = await acme.client.ask('{ connections(last: 1) { nodes { id } } }')
      await say(acme.client, connections.nodes[0].id, 'is there anybody')
      await gateway.kill()
      const left = await eventually(async () => {
        const { code, ill } = await doctor()
        assert.equal(code, 0)
        return says(ill, /^A gateway ended without finishing work of/) && ill
      }, 60_000)
      assert.ok(says(left, new RegExp(`finishing work of \\d+ tenants?: .*${acme.id}`)))
      assert.ok(says(left, new RegExp(`^1 message of 1 tenant to be sent: ${acme.id}$`)))
      gateway = await startGateway(store, { PORT: port, OUTBOX_GIVE_UP: '1s' })
      await eventually(async () => !says((await doctor()).ill, /to be sent/), 60_000)
      await gateway.stop()
      const { code, found, ill } = await doctor()
      assert.deepEqual([code, ill], [0, []])
      assert.ok(says(found, /^No gateway listens at/))
    })

    test('finds routes to nobody, and removes them', async () => {
      const key = 'GjZWsBLgZCR18aL468JAT7w9CZRiBnpxUPPgyQxh4voa'
      await inStore((opened) =>
        opened.transaction('base', async (session) => {
          const value = JSON.stringify('00000000-0000-4000-8000-000000000000')
          await session.insert({ category: 'route', name: key, value, tags: { tenant: 'nobody' } })
        }),
      )
      const { ill } = await doctor()
      assert.deepEqual([ill.length, ill[0]?.says], [1, `1 recipient key of tenants that are gone: ${key}`])
      await doctor({}, '--fix')
      assert.deepEqual((await doctor()).ill, [])
    })

    test('finds keys of wallets that lead nowhere, and registers them', async () => {
      const keys: string[] = []
      await inStore((opened) =>
        opened.transaction('base', async (session) => {
          for (const { name } of await session.fetchAll({ category: 'route', tagFilter: { tenant: acme.id } })) {
            await session.remove({ category: 'route', name })
            keys.push(name)
          }
        }),
      )
      // That of its invitation, and that of its DID.
      assert.ok(keys.length >= 2)
      const { code, ill } = await doctor()
      assert.equal(code, 1)
      const told = new RegExp(`^${keys.length} recipient keys of ${acme.id} without a route: `)
      assert.ok(says(ill, told), JSON.stringify(ill))
      assert.equal((await doctor({}, '--fix')).code, 0)
      assert.deepEqual((await doctor()).ill, [])
      const running = await startGateway(store, { PORT: port })
      try {
        await say(globex.client, link.invitee, 'you reach me again')
        await eventually(async () => {
          const { basicMessages } = await acme.client.ask('{ basicMessages(last: 1) { nodes { content } } }')
          return basicMessages.nodes[0]?.content === 'you reach me again'
        })
      } finally {
        await running.stop()
      }
    })

    test('finds keys that lead to a wallet which has them not', async () => {
      const key = 'GjZWsBLgZCR18aL468JAT7w9CZRiBnpxUPPgyQxh4voa'
      await inStore((opened) =>
        opened.transaction('base', async (session) => {
          const tags = { tenant: acme.id }
          await session.insert({ category: 'route', name: key, value: JSON.stringify(acme.id), tags })
        }),
      )
      const { code, ill } = await doctor()
      assert.equal(code, 0)
      assert.equal(ill[0]?.says, `1 recipient key with a route to a wallet that lacks the key: ${key}`)
      await doctor({}, '--fix')
      assert.deepEqual((await doctor()).ill, [])
    })

    test('finds wallets that no tenant has, and tenants without a wallet', async () => {
      const dataDir = store.env['DATA_DIR'] as string
      await inStore(async (opened) => {
        await opened.createProfile('lost')
        await opened.removeProfile(acme.id)
      })
      if (kind === 'postgres') await onDatabase(`CREATE SCHEMA wallet_${OWN_NAME}`)
      else copyFileSync(join(dataDir, 'wallets.db'), join(dataDir, 'wallets', `${OWN_NAME}.db`))
      const { code, ill } = await doctor()
      assert.equal(code, 1)
      assert.equal(says(ill, new RegExp(`^1 tenant without a wallet: ${acme.id}$`))?.state, 'wrong')
      assert.equal(says(ill, new RegExp(`^2 wallets that no tenant has: lost, ${OWN_NAME}$`))?.state, 'warning')
    })

    test('finds that planner statistics are missing, and gathers them', async () => {
      if (kind === 'postgres') await onDatabase(`DELETE FROM pg_statistic WHERE starelid = 'items'::regclass`)
      else onFile('DELETE FROM sqlite_stat1')
      const missing = /no planner statistics/
      const found = says((await doctor()).ill, missing)
      assert.equal(found?.fixable, true)
      await doctor({}, '--fix')
      assert.equal(says((await doctor()).ill, missing), undefined)
    })

    async function onDatabase(statement: string): Promise<void> {
      const client = new pg.Client({ connectionString: store.env['DATABASE_URL'] })
      await client.connect()
      await client.query(statement).finally(() => client.end())
    }

    function onFile(statement: string): void {
      const db = new Sqlite(join(store.env['DATA_DIR'] as string, 'wallets.db'))
      db.exec(statement)
      db.close()
    }
  })
}

test('a gateway that cannot use its database says which, and no password', async () => {
  const store = await freshStore('sqlite')
  for (const [where, says] of [
    [
      '127.0.0.1:1',
      /^DATABASE_URL: 127\.0\.0\.1:1 does not let us in \(ECONNREFUSED\)\. Check host and port in DATABASE_URL, /m,
    ],
    ['nowhere.invalid', /^DATABASE_URL: nowhere\.invalid:5432 does not let us in \(E[A-Z_]+\)\. Check host and port /m],
  ] as const) {
    const env = { ...store.env, PORT: '0', DATABASE_URL: `postgres://somebody:s3cret@${where}/none` }
    const { code, stdout, stderr } = await runCli(['serve'], env)
    assert.equal(code, 1)
    assert.match(stderr, says)
    assert.match(stderr, /`tenantry doctor`/)
    assert.doesNotMatch(stdout + stderr, /somebody|s3cret/)
  }
  await store.remove()
})
