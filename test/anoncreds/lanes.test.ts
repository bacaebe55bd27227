import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { isGatewayError } from '../../src/lib/errors.js'
import { createOffer, createRegistry, type PublicDefinition } from './parties.js'

/** One that was made before, since that takes seconds. */
const definition: PublicDefinition = JSON.parse(readFileSync(new URL('./definition.json', import.meta.url), 'utf8'))
/** Takes seconds. */
const LARGE = 10_000
const SMALL = 20

describe('processes for AnonCreds calls', () => {
  const workers = new AnonCredsWorkers()
  after(() => workers.stop())

  const registry = (tenantId: string, size: number, on = workers) => createRegistry(on, tenantId, definition, size)
  const secret = (tenantId: string, on = workers) => on.call(tenantId, 'createLinkSecret', {})
  /** The process of the long lane, once there is another than before. */
  const longOf = async (on: AnonCredsWorkers, before?: number) => {
    let { long } = on.pids
    for (; !long || long === before; { long } = on.pids) await sleep(5)
    return long
  }
  /** Ends it in the midst of its call. */
  const killLong = async (before?: number) => {
    const long = await longOf(workers, before)
    await sleep(100)
    process.kill(long, 'SIGKILL')
    return long
  }

  test('make a call once more when its process is killed, and give it up when that is killed too', async () => {
    const large = registry('tenant', 1000)
    const killed = await killLong()
    assert.equal((await large).revocationRegistryDefinition.value.maxCredNum, 1000)
    assert.notEqual(workers.pids.long, killed)

    const given = assert.rejects(registry('tenant', LARGE), /ended within this call/)
    const waiting = registry('other', SMALL)
    await killLong(await killLong())
    await given
    assert.equal((await waiting).revocationRegistryDefinition.value.maxCredNum, SMALL)
  })

  test('end a call that takes too long, and go on with what waits', async () => {
    // Enough for a process to start where much else runs.
    const own = new AnonCredsWorkers({ deadlineMs: { short: 60_000, long: 8000 } })
    try {
      // Minutes.
      const endless = registry('tenant', 500_000, own)
      const refused = assert.rejects(endless, { name: 'NativeError', message: /took too long/ })
      const waiting = registry('other', SMALL, own)
      const first = await longOf(own)
      await refused
      assert.equal((await waiting).revocationRegistryDefinition.value.maxCredNum, SMALL)
      assert.notEqual(own.pids.long, first)
      await gone(first)
    } finally {
      await own.stop()
    }
  })

  test('lose none of the calls that wait', async () => {
    await secret('tenant')
    const secrets = Array.from({ length: 60 }, (_, index) => secret(`tenant ${index % 3}`))
    process.kill(workers.pids.short!, 'SIGKILL')
    assert.equal(new Set(await Promise.all(secrets)).size, 60)
  })

  test('let nothing short wait for what is long', async () => {
    const own = new AnonCredsWorkers()
    const cut = assert.rejects(registry('tenant', LARGE, own), /The gateway is stopping/)
    await createOffer(own, 'tenant', definition)
    await own.stop()
    await cut
  })

  test('stand back behind the gateway, and long calls behind short ones', async () => {
    await Promise.all([secret('tenant'), registry('tenant', SMALL)])
    const { short, long } = workers.pids
    const [own, ofShort, ofLong] = [process.pid, short!, long!].map((pid) => getPriority(pid)) as [
      number,
      number,
      number,
    ]
    assert.ok(own < ofShort && ofShort < ofLong, `${own}, ${ofShort}, ${ofLong}`)
  })

  test('serve tenants in turn', async () => {
    const order: string[] = []
    const made = (tenantId: string) => registry(tenantId, SMALL).then(() => order.push(tenantId))
    await Promise.all([...Array.from({ length: 12 }, () => made('busy')), made('other'), made('other')])
    // One of the busy one's is in hand before the others come.
    assert.ok(order.indexOf('other') <= 2 && order.lastIndexOf('other') <= 4, order.join(' '))
  })

  test('refuse, plainly, when one tenant has too many waiting, and only it', async () => {
    const calls = Array.from({ length: 600 }, () => secret('busy'))
    const other = secret('other')
    const outcomes = await Promise.allSettled(calls)
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    assert.ok(refused.length > 50 && refused.length < 110, `${refused.length} refused`)
    for (const error of refused) assert.ok(isGatewayError(error, 'RATE_LIMITED') && error.retryAfter)
    assert.ok(await other)
  })

  test('know no secret of the gateway, and end when they are not needed or it stops', async () => {
    const own = new AnonCredsWorkers({ idleMs: 200 })
    process.env['STORE_KEY'] = 'not for others'
    try {
      await secret('tenant', own)
    } finally {
      delete process.env['STORE_KEY']
    }
    const { short } = own.pids
    assert.ok(short)
    if (process.platform === 'linux') {
      const environment = readFileSync(`/proc/${short}/environ`, 'utf8').split('\0').filter(Boolean)
      // By which Node finds its way to the parent.
      assert.deepEqual(
        environment.filter((entry) => !entry.startsWith('NODE_CHANNEL_')),
        [],
      )
    }
    await gone(short)
    assert.equal(own.pids.short, undefined)
    assert.ok(await secret('tenant', own))
    const again = own.pids.short!
    const cut = registry('tenant', LARGE, own)
    const failed = assert.rejects(cut, /The gateway is stopping/)
    await sleep(100)
    const { long } = own.pids
    await own.stop()
    await failed
    await Promise.all([gone(again), gone(long!)])
    await assert.rejects(secret('tenant', own), /The gateway is stopping/)
  })

  test('end with a gateway that is killed', async () => {
    const script = `
      const { AnonCredsWorkers } = await import(${JSON.stringify(import.meta.resolve('../../src/anoncreds/index.js'))})
      const workers = new AnonCredsWorkers()
      await workers.call('tenant', 'createLinkSecret', {})
      console.log(workers.pids.short)
      setInterval(() => {}, 1000)`
    const gateway = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(gateway.stdout, 'data')
    const pid = Number(line)
    assert.ok(pid > 0)
    process.kill(pid, 0)
    gateway.kill('SIGKILL')
    await gone(pid)
  })
})

/** Waits until there is no such process. */
async function gone(pid: number): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
  }
  assert.fail('The process is still there')
}
