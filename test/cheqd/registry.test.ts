import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AgentContext } from '@credo-ts/core'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'
import { createLogger } from '../../src/lib/logger.js'
import { openWallets, type TestWallets } from '../anoncreds/wallets.js'
import { TestCheqd } from './ledger.js'

const SCHEMA = { name: 'degree', version: '1.0', attrNames: ['name'] }

describe('wallets that read from a cheqd network', () => {
  const workers = new AnonCredsWorkers()
  const fetch = createGuardedFetch({ allowLoopback: true })
  let cheqd: TestCheqd
  let wallets: TestWallets
  let credo: typeof import('@credo-ts/anoncreds')

  before(async () => {
    cheqd = await TestCheqd.open()
    await (await import('../../src/askar/index.js')).loadAskar({ binding: 'koffi' })
    const { CheqdReader } = await import('../../src/agent/anoncreds/cheqd-reader.js')
    const { CheqdRegistry } = await import('../../src/agent/anoncreds/cheqd-registry.js')
    const { CheqdResolvers } = await import('../../src/agent/cheqd-resolvers.js')
    const { didCheqdResolver } = await import('../../src/agent/did-cheqd.js')
    const resolvers = new CheqdResolvers([cheqd.network], fetch)
    const registry = new CheqdRegistry(new CheqdReader(resolvers), createLogger({ level: 'silent', format: 'json' }))
    wallets = await openWallets(workers, ['one', 'another'], registry, { cheqd: didCheqdResolver(resolvers) })
    credo = await import('@credo-ts/anoncreds')
  })
  after(async () => {
    await wallets?.remove()
    await workers.stop()
    await fetch.close()
    await cheqd?.close()
  })

  const writeSchema = (did: string) => cheqd.write(did, { name: 'a', type: 'anonCredsSchema', content: SCHEMA })
  const schemaIn = (wallet: string, id: string) =>
    wallets.in(wallet, async (context: AgentContext) => (await credo.fetchSchema(context, id)).schema)

  test('share what was found', async () => {
    const did = cheqd.writeDid(cheqd.newDid())
    const id = writeSchema(did)
    const before = cheqd.asked.length
    for (const wallet of ['one', 'another']) assert.deepEqual(await schemaIn(wallet, id), { ...SCHEMA, issuerId: did })
    assert.deepEqual(cheqd.asked.slice(before).toSorted(), [did, id])
  })

  test('take nothing that was found as one thing for another', async () => {
    const id = writeSchema(cheqd.writeDid(cheqd.newDid()))
    await schemaIn('one', id)
    const asAnother = wallets.in('one', (context) => credo.fetchCredentialDefinition(context, id))
    await assert.rejects(asAnother, /not found/i)
  })

  test('find nothing of a DID that is deactivated, or not on the ledger', async () => {
    const did = cheqd.writeDid(cheqd.newDid())
    const id = writeSchema(did)
    cheqd.deactivate(did)
    await assert.rejects(schemaIn('one', id), /not found/i)
    await assert.rejects(schemaIn('one', id.replace(did, cheqd.newDid())), /not found/i)
  })
})
