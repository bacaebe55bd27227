import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { IndyLedgers, type IndyNetwork } from '../../src/indy/index.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'
import { tempDir } from '../support/services.js'
import { TestPool } from './pool.js'

const DID = 'Th7MpTaRZVRYnPiabds81Y'

describe('ledgers', () => {
  const folder = tempDir()
  const fetch = createGuardedFetch({ allowLoopback: true })
  let liars = 0
  let pool: TestPool
  let network: IndyNetwork
  let ledgers: IndyLedgers
  before(async () => {
    pool = await TestPool.open(({ dest }, node) => ({
      data: JSON.stringify({ dest, verkey: node < liars ? 'forged' : 'true' }),
    }))
    const genesis = `${folder.path}/pool.txn`
    writeFileSync(genesis, pool.genesis)
    network = { namespace: 'test', genesis, isProduction: true }
    ledgers = new IndyLedgers({ networks: [network], fetch })
  })
  after(async () => {
    await ledgers?.stop()
    await pool?.close()
    await fetch.close()
    folder.remove()
  })

  const ask = (on = ledgers) => on.ask(network, { type: '105', dest: DID })
  const verkeyIn = ({ data }: Record<string, unknown>) => (JSON.parse(data as string) as { verkey: string }).verkey

  test('are asked on a real socket', async () => {
    assert.equal(verkeyIn(await ask()), 'true')
    assert.deepEqual(pool.asked[0], { type: '105', dest: DID })
  })

  test('are asked many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask()))
    assert.deepEqual(new Set(answers.map(verkeyIn)), new Set(['true']))
  })

  test('are not believed by one node that answers alone', async () => {
    liars = 1
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask()))
    assert.deepEqual(new Set(answers.map(verkeyIn)), new Set(['true']))
    liars = 0
  })

  test('are read again after their process has died', async () => {
    await ask()
    const died = ledgers.pid!
    process.kill(died, 'SIGKILL')
    await ask().catch(() => {})
    assert.equal(verkeyIn(await ask()), 'true')
    assert.notEqual(ledgers.pid, died)
  })

  test('leave no process when they are stopped', async () => {
    const own = new IndyLedgers({ networks: [network], fetch })
    await ask(own)
    const { pid } = own
    const cut = assert.rejects(own.ask(network, { type: '105', dest: DID }).then(() => ask(own)))
    await own.stop()
    await cut
    assert.throws(() => process.kill(pid!, 0), { code: 'ESRCH' })
  })
})
