import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runCli } from '../support/cli.js'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import {
  freshStore,
  STORES,
  type StoreKind,
  startGateway,
  type TestGateway,
  type TestStore,
} from '../support/gateway.js'
import { readAll } from '../support/ledger.js'
import { tempDir } from '../support/services.js'
import { tablesOf } from '../support/tables.js'
import { eventually, say } from '../support/talk.js'

/** Tenants, an open connection, and messages on the way while the backup is taken. */
for (const kind of STORES) {
  describe(`backup and restore of ${kind}`, { timeout: 120_000 }, () => {
    const folder = tempDir()
    const file = join(folder.path, 'backup')
    let store: TestStore
    let gateway: TestGateway
    let one: TestTenant
    let other: TestTenant
    let link: { inviter: string; invitee: string }
    /** Messages that were accepted before the backup began. */
    const accepted = [] as string[]

    before(async () => {
      store = await freshStore(kind)
      // A restored gateway has the same address, as its peers know it.
      gateway = await startGateway(store)
      one = await makeTenant(gateway.url)
      other = await makeTenant(gateway.url)
      link = await connect(one, other)
    })

    after(async () => {
      await gateway.kill()
      await store.remove()
      folder.remove()
    })

    const backup = (out: string, env = store.env) => runCli(['backup', '--out', out], env)

    /** Restores to a store of a kind, starts a gateway on it at the same address, and looks. */
    async function assertRestored(to: StoreKind): Promise<void> {
      const target = await freshStore(to)
      const restored = await runCli(['restore', '--from', file], target.env)
      assert.equal(restored.code, 0, restored.stderr)
      assert.match(restored.stdout, /^Restored the shared store/)
      // The tables are those that Askar itself has made.
      if (to === kind) assert.deepEqual(await tablesOf(target), await tablesOf(store))
      const { port } = new URL(gateway.url)
      const again = await startGateway(target, { PORT: port })
      try {
        const names = await ApiClient.operator(again.url).ask('{ tenants(first: 10) { nodes { name } } }')
        assert.deepEqual(
          names.tenants.nodes.map(({ name }: { name: string }) => name),
          [one.name, other.name],
        )
        // Messages that were on the way arrive, each once and in order.
        await eventually(async () => {
          const contents = (await readAll(other.client, 'basicMessages')).map(({ content }) => content as string)
          return accepted.every((content) => contents.includes(content))
        })
        const contents = (await readAll(other.client, 'basicMessages')).map(({ content }) => content as string)
        assert.deepEqual(contents, [...new Set(contents)].sort())
        const events = await one.client.ask('{ events(first: 100) { nodes { topic } } }')
        assert.ok(events.events.nodes.some(({ topic }: { topic: string }) => topic === 'CONNECTION'))
        await say(one.client, link.inviter, 'z after the restore')
        await eventually(async () =>
          (await readAll(other.client, 'basicMessages')).some(({ content }) => content === 'z after the restore'),
        )
      } finally {
        await again.stop()
        await target.remove()
      }
    }

    test('is taken while messages flow, and made a store of again', async () => {
      let talking = true
      const talk = (async () => {
        for (let index = 0; talking; index++) {
          const content = `m ${String(index).padStart(5, '0')}`
          await say(one.client, link.inviter, content)
          if (!existsSync(`${file}.begun`)) accepted.push(content)
        }
      })()
      await eventually(async () => accepted.length >= 20)
      writeFileSync(`${file}.begun`, '')
      const { code, stdout, stderr } = await backup(file)
      assert.equal(code, 0, stderr)
      talking = false
      await talk
      assert.match(stdout, /^Backed up the shared store \((sqlite|postgres)\), \d+ rows/)
      assert.match(stdout, /STORE_KEY, given by STORE_KEY\n/)
      assert.equal(stdout.includes(store.env['STORE_KEY'] as string), false)
      assert.match(stderr, /Writing: 100 % \((\d+) of \1\)/)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      // No name of a tenant or a message stands in it: what the store encrypts stays so.
      const bytes = readFileSync(file)
      for (const secret of [one.name, 'm 00001', store.env['STORE_KEY'] as string]) {
        assert.equal(bytes.includes(secret), false)
      }
      await gateway.stop()
      for (const to of STORES) await assertRestored(to)
    })

    test('a backup does not take the place of another file', async () => {
      const { code, stderr } = await backup(file)
      assert.equal(code, 1)
      assert.match(stderr, /is there already/)
    })

    test('a damaged backup, or one without its key, is refused before anything is written', async () => {
      const bytes = readFileSync(file)
      const damages: Record<string, Buffer> = {
        cut: bytes.subarray(0, bytes.length - 1),
        longer: Buffer.concat([bytes, Buffer.from([0])]),
        changed: Buffer.from(bytes.map((byte, index) => (index === bytes.length - 5000 ? byte ^ 1 : byte))),
        empty: Buffer.alloc(0),
        other: Buffer.from('no backup at all, but long enough to be taken for the beginning of one'),
      }
      const target = await freshStore(kind)
      try {
        const refusal = async (from: string, env: Record<string, string>, told: RegExp) => {
          const { code, stderr } = await runCli(['restore', '--from', from], { ...target.env, ...env })
          assert.equal(code, 1)
          assert.match(stderr, told)
          assert.deepEqual(readdirSync(target.env['DATA_DIR'] as string), [])
        }
        for (const [name, content] of Object.entries(damages)) {
          const damaged = join(folder.path, name)
          writeFileSync(damaged, content)
          await refusal(damaged, {}, /is damaged, or no backup .*Nothing was written/)
        }
        const otherKey = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyP'
        await refusal(file, { STORE_KEY: otherKey }, /does not open this backup/)
        await refusal(file, { STORE_KEY: '', DATABASE_URL: '' }, /There is no store key here/)
        const checked = await runCli(['restore', '--from', file, '--check'], target.env)
        assert.equal(checked.code, 0, checked.stderr)
        assert.deepEqual(readdirSync(target.env['DATA_DIR'] as string), [])
      } finally {
        await target.remove()
      }
    })

    test('a store is not written over', async () => {
      const copy = join(folder.path, 'copy')
      copyFileSync(file, copy)
      const { code, stderr } = await runCli(['restore', '--from', copy], store.env)
      assert.equal(code, 1)
      assert.match(stderr, /store already/)
    })
  })
}
