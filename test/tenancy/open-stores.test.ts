import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestStore } from '../support/gateway.js'
import { atOnce, eventually, say } from '../support/talk.js'
import { isLocked, makeUnmanaged, NEEDS_WALLET } from './unmanaged.js'

const STORES_MAX = 2
const TENANTS = 5
const IDLE_MS = 2000
const ROTATE = 'mutation($input: RotateWalletKeyInput!) { rotateWalletKey(input: $input) { token } }'
const MOVE = 'mutation($input: MoveWalletInput!) { moveWallet(input: $input) { token } }'

for (const kind of STORES) {
  test(`more tenants with stores of their own than may be open take turns on ${kind}, and idle ones are closed`, async () => {
    const store = await freshStore(kind)
    const gateway = await startGateway(store, { STORES_MAX: `${STORES_MAX}`, SESSION_IDLE: `${IDLE_MS / 1000}s` })
    try {
      const hub = await makeTenant(gateway.url)
      const tenants: { tenant: TestTenant; to: string; from: string }[] = []
      for (let n = 0; n < TENANTS; n++) {
        const tenant =
          n === 0 ? await makeUnmanaged(gateway.url) : await makeTenant(gateway.url, { walletStorage: 'STORE' })
        const { inviter, invitee } = await connect(tenant, hub)
        tenants.push({ tenant, to: inviter, from: invitee })
      }
      // 1. All of them at once, from both sides: nobody is turned away, and never are more open.
      let most = 0
      let working = true
      const watching = (async () => {
        while (working) {
          most = Math.max(most, openStores(store, gateway.process.pid as number))
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()
      await atOnce(TENANTS * 8, TENANTS * 2, async (n) => {
        const { tenant, to, from } = tenants[n % TENANTS] as (typeof tenants)[number]
        await tenant.client.ask(NEEDS_WALLET)
        await say(tenant.client, to, `${n}`)
        await say(hub.client, from, `back ${n}`)
      })
      working = false
      await watching
      // One more for the key of the unmanaged one, which is tried before another is closed for it.
      assert.ok(most >= 1 && most <= STORES_MAX + 1, `${most} were open at once`)
      // 2. Each has all of its messages; what came for the one that was locked meanwhile has waited.
      for (const { tenant } of tenants) {
        await eventually(async () => {
          const { basicMessages } = await tenant.client.ask('{ basicMessages(first: 100) { nodes { content } } }')
          return basicMessages.nodes.length === 16
        })
      }
      // 3. Unused, managed ones are closed soon; the other is open until its own idle time is over.
      const unmanaged = tenants[0]?.tenant as TestTenant
      let used = 0
      await eventually(async () => {
        // What is still noted of the others may have taken its room.
        if (used === 0 || (await isLocked(unmanaged.client))) {
          await unmanaged.client.ask(NEEDS_WALLET)
          used = Date.now()
        }
        return openStores(store, gateway.process.pid as number) <= 1 && Date.now() - used > 1.5 * IDLE_MS
      })
      assert.equal(await isLocked(unmanaged.client), false)
      // 4. One that is closed moves as well.
      const operator = ApiClient.operator(gateway.url)
      for (const { tenant } of tenants.slice(1)) await operator.ask(ROTATE, { input: { tenantId: tenant.id } })
      const out = { tenantId: tenants[1]?.tenant.id, keyMode: 'MANAGED', walletStorage: 'PROFILE' }
      await operator.ask(MOVE, { input: out })
      for (const { tenant, to } of tenants) {
        await say(tenant.client, to, 'moved')
        const { basicMessages } = await tenant.client.ask('{ basicMessages(first: 100) { nodes { content } } }')
        assert.equal(basicMessages.nodes.length, 17)
      }
    } finally {
      await gateway.stop()
      await store.remove()
    }
  })
}

/**
 * How many stores of tenants' own the process has open, as its files say; in Postgres that cannot be seen from outside. Files
 * are looked at one after the other, while one is closed and the next opened: what is there twice was there in between.
 */
function openStores({ kind }: TestStore, pid: number): number {
  if (kind === 'postgres') return 1
  const [once, again] = [storeFiles(pid), storeFiles(pid)]
  return [...once].filter((file) => again.has(file)).length
}

function storeFiles(pid: number): Set<string> {
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return new Set(files.filter((file) => /\/wallets\/[0-9a-f]{32}\.db$/.test(file)))
}
