import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyFits } from '../../src/storage/store-key.js'
import { type CliRun, runCli, startCli } from '../support/cli.js'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestStore } from '../support/gateway.js'
import { readAll } from '../support/ledger.js'
import { profileKeysOf } from '../support/tables.js'
import { atOnce, eventually, say } from '../support/talk.js'

/** What the command says before each of its steps: there it is killed. */
const STEPS = ['The new key is in', 'Changing the key', 'Verifying', 'Putting it in place']
const GIVEN = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyP'
const KILLS = 4

for (const kind of STORES) {
  describe(`rotate-store-key on ${kind}`, { timeout: 180_000 }, () => {
    let store: TestStore
    /** On SQLite the key is the gateway's own, in its folder; on Postgres it is given. */
    let env: Record<string, string>
    let one: TestTenant
    let other: TestTenant
    let link: { inviter: string; invitee: string }
    let port: string
    let spoken = 0

    before(async () => {
      store = await freshStore(kind)
      env = kind === 'sqlite' ? { ...store.env, STORE_KEY: '' } : store.env
      const gateway = await startGateway(store, env)
      port = new URL(gateway.url).port
      one = await makeTenant(gateway.url)
      other = await makeTenant(gateway.url)
      link = await connect(one, other)
      await atOnce(30, 4, () => makeTenant(gateway.url))
      const refused = await rotate()
      assert.equal(refused.code, kind === 'sqlite' ? 2 : 1)
      assert.match(
        refused.stderr,
        kind === 'sqlite' ? /another gateway uses this folder/ : /Gateways run on this store/,
      )
      await gateway.stop()
    })

    after(() => store.remove())

    const file = (name: string) => join(store.env['DATA_DIR'] as string, 'secrets', name)
    const read = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), 'utf8').trim() : undefined)
    const rotate = (more: Record<string, string> = {}) => runCli(['rotate-store-key'], { ...env, ...more })
    const fits = async (key: string | undefined) =>
      key !== undefined && (await profileKeysOf(store)).every((profileKey) => keyFits(key, profileKey))

    /** The whole store is under one of the keys that a start or the next run finds. */
    async function assertAtHand(when: string): Promise<void> {
      const keys = [env['STORE_KEY'] || read('store-key'), read('store-key.new')]
      assert.ok((await fits(keys[0])) || (await fits(keys[1])), when)
    }

    /** A gateway starts, and the wallets are as they were. */
    async function assertWorks(): Promise<void> {
      const gateway = await startGateway(store, { ...env, PORT: port })
      try {
        const content = `${++spoken}`
        await say(one.client, link.inviter, content)
        await eventually(async () =>
          (await readAll(other.client, 'basicMessages')).some((message) => message.content === content),
        )
      } finally {
        await gateway.stop()
      }
    }

    /** Runs the command, and kills it when it says `line`, or after a while. */
    async function rotateCut(when: string | number): Promise<CliRun> {
      const { child, done } = startCli(['rotate-store-key'], env)
      if (typeof when === 'number') await Promise.race([sleep(when), done])
      else {
        const said = new Promise<void>((resolve) => {
          child.stdout?.on('data', (chunk) => String(chunk).includes(when) && resolve())
        })
        await Promise.race([said, done])
      }
      child.kill('SIGKILL')
      return done
    }

    /** What was given as STORE_KEY is changed as the command says. */
    function obey({ code, stdout, stderr }: CliRun): void {
      assert.equal(code, 0, stderr)
      if (kind === 'sqlite') return
      assert.match(stdout, /what is in \S+store-key\.new as STORE_KEY/)
      env = { ...env, STORE_KEY: read('store-key.new') as string }
    }

    test('killed before each step, it leaves a store that a gateway opens, and goes on when it is run again', async () => {
      const formerKey = env['STORE_KEY'] || read('store-key')
      for (const step of STEPS.slice(0, kind === 'sqlite' ? 4 : 3)) {
        const { code } = await rotateCut(step)
        assert.notEqual(code, 0)
        await assertAtHand(step)
        // The store may be under the new key while the old one is still in its place.
        if (step === 'Verifying') await assertWorks()
      }
      const finished = await rotate()
      obey(finished)
      assert.match(finished.stderr, /Wallets: 100 % \(33 of 33\)/)
      const newKey = env['STORE_KEY'] || read('store-key')
      assert.notEqual(newKey, formerKey)
      assert.equal(await fits(newKey), true)
      assert.equal(await fits(formerKey), false)
      for (const key of [newKey, formerKey]) assert.equal(finished.stdout.includes(key as string), false)
      for (const name of readdirSync(file(''))) assert.equal(statSync(file(name)).mode & 0o777, 0o600)
      await assertWorks()
    })

    test('killed at any time, it leaves the whole store under one key that is at hand', async () => {
      if (kind === 'postgres') {
        // The key that was given above was the one in this file: a new rotation starts without it.
        const { code, stderr } = await rotate()
        assert.equal(code, 1)
        assert.match(stderr, /remove that file/)
        rmSync(file('store-key.new'))
      }
      const began = Date.now()
      obey(await rotate())
      if (kind === 'postgres') rmSync(file('store-key.new'))
      const took = Date.now() - began
      for (let kill = 0; kill < KILLS; kill++) {
        await rotateCut(took * (0.5 + (0.6 * kill) / KILLS))
        await assertAtHand(`kill ${kill}`)
      }
      obey(await rotate())
    })

    test('takes a given key, and leaves it to whoever gave both', async () => {
      if (kind === 'postgres') rmSync(file('store-key.new'))
      const formerKey = env['STORE_KEY'] || (read('store-key') as string)
      const wrong = await rotate({ NEW_STORE_KEY: 'not a key' })
      assert.equal(wrong.code, 2)
      assert.match(wrong.stderr, /^NEW_STORE_KEY: /)
      const { code, stderr } = await rotate({ NEW_STORE_KEY: GIVEN })
      assert.equal(code, 0, stderr)
      assert.equal(await fits(GIVEN), true)
      assert.equal(read('store-key.new'), undefined)
      if (kind === 'sqlite') assert.equal(read('store-key'), GIVEN)
      else env = { ...env, STORE_KEY: GIVEN }
      await assertWorks()
      const lost = await runCli(['serve'], { ...env, PORT: '0', STORE_KEY: formerKey })
      assert.equal(lost.code, 1)
      assert.match(lost.stderr, /^STORE_KEY: does not open this store/m)
    })

    test('says what is the matter where there is no store, or another key', async () => {
      const { code, stderr } = await runCli(['rotate-store-key'], {
        ...env,
        STORE_KEY: store.env['STORE_KEY'] as string,
      })
      assert.equal(code, 2)
      assert.match(stderr, /^STORE_KEY: does not open this store/)
    })
  })
}
