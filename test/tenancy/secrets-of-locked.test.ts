import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import { base58Decode } from '../../src/lib/base58.js'
import { openKey } from '../../src/tenants/sealed-key.js'
import { TRANSPORTS } from '../security/transports.js'
import { ApiClient, connect, type EventTap, makeTenant, uniqueName } from '../support/client.js'
import { freshStore, JWT_SECRET, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { watchRedis } from '../support/redis-traffic.js'
import { tempDir } from '../support/services.js'
import { atOnce, eventually, say } from '../support/talk.js'
import { foundInMemory } from './memory.js'

import { isLocked, lock, NEEDS_WALLET, newWalletKey, UNLOCK } from './unmanaged.js'
import { rawStore } from './written.js'

const PASSPHRASE = 'correct-horse-battery-staple-8153'
/**
 * Times that a key, given some twenty times, may be found in memory that was freed: in the buffer that Node reads requests
 * into, and in texts of the engine's. What was made of a passphrase stays on the stacks of the threads that made it.
 */
const COPIES_MAX = 16
const BYTES_OF_ARGON2_MAX = 24
const CREATE = `mutation($input: CreateTenantInput!) { createTenant(input: $input) { token tenant { id name state settings policy } } }`
const ALL_TOLD = [
  '{ events(first: 100) { nodes { __typename id topic ... on TenantEvent { change } } } }',
  '{ viewer { tenant { id name label state keyMode walletStorage settings policy tokens { id name } } } }',
]

for (const kind of STORES) {
  describe(`the keys of locked wallets on ${kind}`, () => {
    const folder = tempDir()
    const keys: Record<string, string> = {}
    const answers: string[] = []
    const redisTraffic: string[] = []
    let monitor: Redis | undefined
    let store: TestStore
    let gateway: TestGateway
    let tap: EventTap

    before(async () => {
      store = await freshStore(kind)
      monitor = await watchRedis(store, redisTraffic)
      const options = `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder.path}`
      gateway = await startGateway(store, { LOG_LEVEL: 'trace', NODE_OPTIONS: options })
      await passKeysThrough()
    })
    after(async () => {
      await tap?.close()
      monitor?.disconnect()
      await gateway?.stop()
      await store?.remove()
      folder.remove()
    })

    const asked = async (client: ApiClient, query: string, variables?: object) => {
      const answer = await client.send(query, variables)
      answers.push(JSON.stringify(answer))
      return answer
    }

    /** Keys go in by every way that there is, right and wrong, in variables and in the text of the query. */
    async function passKeysThrough(): Promise<void> {
      const operator = ApiClient.operator(gateway.url)
      tap = await operator.follow()
      const peer = await makeTenant(gateway.url)
      keys['raw key'] = newWalletKey()
      keys['passphrase'] = PASSPHRASE
      keys['later key'] = newWalletKey()
      const wallets = [
        { name: uniqueName('raw'), keyMode: 'UNMANAGED', walletKey: keys['raw key'], eventDispatch: 'BOTH' },
        {
          name: uniqueName('phrase'),
          keyMode: 'UNMANAGED',
          walletKey: PASSPHRASE,
          walletKeyDerivation: 'ARGON2I_INT',
          settings: { idleTimeout: 5 },
        },
      ]
      for (const wallet of wallets) {
        const input = { ...wallet, idempotencyKey: wallet.name }
        const made = await operator.ask(CREATE, { input })
        await asked(operator, CREATE, { input })
        await asked(operator, CREATE, { input: { ...input, walletKey: newWalletKey() } })
        const { id, name } = made.createTenant.tenant
        let client = new ApiClient(gateway.url, { token: made.createTenant.token })
        keys[`key that ${wallet.walletKeyDerivation ?? 'no derivation'} has made`] = await keyIn(
          made.createTenant.token,
        )
        const link = await connect({ id, name, client }, peer)
        await say(peer.client, link.invitee, 'a message')
        await lock({ id, name, client })
        for (const transport of Object.values(TRANSPORTS)) {
          const line = transport(client)
          const literal = `mutation { unlockWallet(walletKey: "${wallet.walletKey}") { tenant { state } } }`
          for (const operation of [
            { query: UNLOCK, variables: { key: `${wallet.walletKey}x` } },
            { query: UNLOCK, variables: { key: [wallet.walletKey] } },
            { query: `${literal} "`, variables: {} },
            ...asNames(wallet.walletKey).map((query) => ({ query, variables: {} })),
            { query: literal, variables: {} },
            { query: UNLOCK, variables: { key: wallet.walletKey } },
          ]) {
            answers.push(JSON.stringify(await line.send(operation)))
          }
          await line.close()
        }
        const get = new URL(`${gateway.url}/graphql`)
        get.searchParams.set('query', `{ tenant(name: "${wallet.walletKey}") { id } }`)
        answers.push(await (await fetch(get, { headers: { accept: 'application/json', ...operator.headers } })).text())
        const token = { tenantId: id, name: 'by the operator', walletKey: wallet.walletKey }
        const create =
          'mutation($input: CreateTenantTokenInput!) { createTenantToken(input: $input) { info { id name } } }'
        await asked(operator, create, { input: token })
        await asked(operator, create, { input: { ...token, walletKey: `${wallet.walletKey}x` } })
        if (wallet.walletKeyDerivation === undefined) {
          const rotate = 'mutation($input: RotateWalletKeyInput!) { rotateWalletKey(input: $input) { token } }'
          const { rotateWalletKey } = await client.ask(rotate, { input: { newWalletKey: keys['later key'] } })
          client = new ApiClient(gateway.url, { token: rotateWalletKey.token })
        }
        await client.ask(NEEDS_WALLET)
        for (const query of ALL_TOLD) await asked(client, query)
        // One by its name, the other by idle time.
        if (wallet.settings === undefined) await lock({ id, name, client })
        else await eventually(() => isLocked(client), 30_000)
      }
      await asked(operator, '{ auditLog(first: 100) { nodes { action details } } }')
      await asked(operator, ALL_TOLD[0] as string)
      for (let n = 0; n < 50; n++) await peer.client.ask(NEEDS_WALLET)
    }

    const bytesOf = (text: string) => (text === PASSPHRASE ? Buffer.from(text) : Buffer.from(base58Decode(text)))

    /** A key as text, and as whatever its bytes are written as. */
    function marks(): Record<string, Buffer> {
      return Object.fromEntries(
        Object.entries(keys).flatMap(([what, text]) => {
          const bytes = bytesOf(text)
          const forms = [text, ...(['hex', 'base64', 'base64url'] as const).map((form) => bytes.toString(form))]
          return [
            [`${what}, its bytes`, bytes],
            ...forms.map((form, index) => [`${what}, form ${index}`, Buffer.from(form)]),
          ]
        }),
      )
    }

    function found(where: Buffer | string): string[] {
      const text = Buffer.from(where as string)
      return Object.entries(marks()).flatMap(([what, mark]) => (text.includes(mark) ? [what] : []))
    }

    test('are in no line of the log, metric, answer or event', async () => {
      assert.ok(Object.keys(keys).length >= 4)
      assert.ok(gateway.log().split('\n').length > 50, 'the log is full of lines')
      assert.deepEqual(found(gateway.log()), [])
      assert.deepEqual(found(await (await fetch(`${gateway.url}/metrics`)).text()), [])
      assert.ok(answers.length > 40)
      assert.deepEqual(found(answers.join('\n')), [])
      assert.ok(tap.events.length > 5)
      assert.deepEqual(found(JSON.stringify(tap.events)), [])
    })

    test('are in nothing that is written: no file, no row, no message of Redis', async () => {
      let pieces = 0
      for await (const piece of rawStore(store)) {
        pieces += 1
        assert.deepEqual(found(piece), [])
      }
      assert.ok(pieces > 2)
      if (kind === 'postgres') assert.ok(redisTraffic.some((line) => line.startsWith('publish')))
      assert.deepEqual(found(redisTraffic.join('\n')), [])
    })

    test('are in no heap dump of the process', async (t) => {
      gateway.process.kill('SIGUSR2')
      const file = await eventually(
        async () => readdirSync(folder.path).find((name) => name.endsWith('.heapsnapshot')),
        60_000,
      )
      // The process writes it in one go, and answers again after it.
      await eventually(() => fetch(`${gateway.url}/metrics`), 60_000)
      const dump = readFileSync(join(folder.path, file))
      assert.ok(dump.includes('unlockWallet') && dump.length > 10_000_000, 'the dump is whole')
      assert.deepEqual(found(dump), [])
      // Beyond what lives: what was freed and not overwritten, of texts by the engine, of bytes by native libraries.
      // Work that goes on takes the place of much of it.
      const operator = ApiClient.operator(gateway.url)
      await atOnce(3000, 16, () => operator.ask('{ viewer { role } }'))
      const left = await foundInMemory(gateway.process.pid as number, marks())
      t.diagnostic(`in freed memory: ${JSON.stringify(left)}`)
      for (const [what, times] of Object.entries(left)) {
        const most =
          what.startsWith('key that ARGON2I') && what.endsWith('its bytes') ? BYTES_OF_ARGON2_MAX : COPIES_MAX
        assert.ok(times <= most, `${what}: ${times} times`)
      }
    })
  })
}

/** Queries in which a key stands where a name should. */
const asNames = (key: string) => {
  const name = `_${key.replaceAll('-', '_')}`
  return [
    `{ ${name} }`,
    `{ viewer { ${name} } }`,
    `{ viewer(${name}: 1) { role } }`,
    `{ ...${name} }`,
    `query($a: Int = ${key}) { viewer { role } }`,
    `mutation { unlockWallet(walletKey: ${key}) { tenant { state } } }`,
    `query($${name}: CreateTenantInput!) { viewer { role } }`,
  ]
}

/** The raw key that a token carries, as only who has the secret can read it. */
async function keyIn(token: string): Promise<string> {
  const { jti, wallet_key: sealed } = decodeJwt(token)
  const secret = createSecretKey(Buffer.from(JWT_SECRET))
  return (await openKey([secret], jti as string, sealed as string)) as string
}
