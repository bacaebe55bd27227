import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { IndyReader } from '../../src/agent/anoncreds/indy-reader.js'
import { loadAskar } from '../../src/askar/index.js'
import { IndyLedgers, type IndyNetwork } from '../../src/indy/index.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'
import { tempDir } from '../support/services.js'
import { TestLedger } from './ledger.js'
import { TestPool } from './pool.js'

const EVERYWHERE = 'Th7MpTaRZVRYnPiabds81Y'
const OWN = 'V4SGRU86Z58d6TV7PBUe6f'
const FOREIGN_KEY = 'GJ1SzoWzavQYfNL9XkaJdrQejfztN4XqdsiV4ct3LXKL'

describe('a DID that names no network', () => {
  const folder = tempDir()
  const fetch = createGuardedFetch({ allowLoopback: true })
  const networks: IndyNetwork[] = []
  const pools: TestPool[] = []
  const opened: IndyLedgers[] = []
  let readerOf: (networks: IndyNetwork[]) => IndyReader
  before(async () => {
    await loadAskar({ binding: 'koffi' })
    const { IndyReader } = await import('../../src/agent/anoncreds/indy-reader.js')
    readerOf = (some) => {
      const ledgers = new IndyLedgers({ networks: some, fetch })
      opened.push(ledgers)
      return new IndyReader(ledgers)
    }
    for (const namespace of ['tests', 'real']) {
      const ledger = new TestLedger()
      for (const did of [EVERYWHERE, OWN]) {
        const isOwn = did === OWN && namespace === 'tests'
        ledger.nym(did, { verkey: isOwn ? '~7TYfekw4GUagBnBVCqPjiC' : FOREIGN_KEY })
        ledger.schema(did, { issuerId: did, name: 'degree', version: '1.0', attrNames: [namespace] }, 5)
      }
      pools.push(await TestPool.open(ledger.answer))
      const genesis = `${folder.path}/${namespace}.txn`
      writeFileSync(genesis, pools.at(-1)!.genesis)
      networks.push({ namespace, genesis, isProduction: namespace === 'real' })
    }
  })
  after(async () => {
    for (const ledgers of opened) await ledgers.stop()
    for (const pool of pools) await pool.close()
    await fetch.close()
    folder.remove()
  })

  const networkOf = async (reader: IndyReader, did: string) =>
    (await reader.schema(`${did}:2:degree:1.0`))?.network.namespace

  test('is that of a network for production, before one for tests', async () => {
    assert.equal(await networkOf(readerOf(networks), EVERYWHERE), 'real')
  })

  test('is that of the network in which it is made of its own key, before all', async () => {
    assert.equal(await networkOf(readerOf(networks), OWN), 'tests')
  })

  test('is of none while a network that may have it does not answer', async () => {
    const [tests, real] = networks as [IndyNetwork, IndyNetwork]
    const away = await TestPool.open(() => undefined)
    pools.push(away)
    const genesis = `${folder.path}/away.txn`
    writeFileSync(genesis, away.genesis)
    const reader = readerOf([tests, { ...real, genesis }])
    await assert.rejects(networkOf(reader, EVERYWHERE), /No network is known to have this DID/)
    assert.equal(await networkOf(reader, OWN), 'tests')
  })
})
