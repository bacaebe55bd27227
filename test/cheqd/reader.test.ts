import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { CheqdReader } from '../../src/agent/anoncreds/cheqd-reader.js'
import { loadAskar } from '../../src/askar/index.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'
import type { AnyEvent } from '../support/client.js'
import { TestCheqd } from './ledger.js'

const KEYS = { primary: { n: '1', s: '2', r: { name: '3' }, rctxt: '4', z: '5' }, revocation: { g: '6' } }

describe('objects of a cheqd network', () => {
  const fetch = createGuardedFetch({ allowLoopback: true })
  let cheqd: TestCheqd
  let other: TestCheqd
  let reader: CheqdReader
  let did: string
  let schemaId: string
  let definitionId: string
  let registryId: string

  before(async () => {
    cheqd = await TestCheqd.open('testnet')
    other = await TestCheqd.open('mainnet')
    await loadAskar({ binding: 'koffi' })
    const { CheqdReader } = await import('../../src/agent/anoncreds/cheqd-reader.js')
    const { CheqdResolvers } = await import('../../src/agent/cheqd-resolvers.js')
    reader = new CheqdReader(new CheqdResolvers([cheqd.network, other.network], fetch))
  })
  after(async () => {
    await fetch.close()
    await Promise.all([cheqd?.close(), other?.close()])
  })
  beforeEach(() => {
    cheqd.lie = undefined
    ;({ did, schemaId, definitionId, registryId } = publishOn(cheqd))
  })

  /** A registry of three credentials, whose lists are of the times 100, 200 and, twice, 300. */
  function publishOn(ledger: TestCheqd) {
    const did = ledger.writeDid(ledger.newDid())
    const schema = { name: 'degree', version: '1.0', attrNames: ['name'] }
    const schemaId = ledger.write(did, { name: 'degree-Schema', type: 'anonCredsSchema', content: schema })
    const definition = { schemaId, type: 'CL', tag: 'default', value: KEYS }
    const definitionId = ledger.write(did, { name: 'degree', type: 'anonCredsCredDef', content: definition })
    const value = {
      publicKeys: { accumKey: { z: '1' } },
      maxCredNum: 3,
      tailsLocation: 'https://a.example',
      tailsHash: 'b',
    }
    const content = { credDefId: definitionId, revocDefType: 'CL_ACCUM', tag: 'first', value }
    const registryId = ledger.write(did, { name: 'a name & more', type: 'anonCredsRevocRegDef', content })
    const lists = { 100: [0, 0, 0], 200: [0, 1, 0], 300: [0, 1, 1] }
    for (const [created, revocationList] of Object.entries(lists))
      writeList(ledger, registryId, Number(created), revocationList)
    writeList(ledger, registryId, 300, [1, 1, 1])
    return { did, schemaId, definitionId, registryId }
  }

  const writeList = (ledger: TestCheqd, id: string, created: number, revocationList: number[], of = id) =>
    ledger.write(id.split('/')[0] ?? '', {
      name: 'a name & more',
      type: 'anonCredsStatusList',
      created,
      content: { currentAccumulator: `at ${created}`, revRegDefId: of, revocationList },
    })

  const listAt = async (time: number) => (await reader.statusList(registryId, time))?.object

  test('are of the issuer that their id names', async () => {
    assert.deepEqual((await reader.schema(schemaId))?.object, {
      ...{ issuerId: did, name: 'degree', version: '1.0', attrNames: ['name'] },
    })
    const definition = { issuerId: did, schemaId, type: 'CL', tag: 'default', value: KEYS }
    assert.deepEqual((await reader.definition(definitionId))?.object, definition)
    const registry = (await reader.registry(registryId))?.object
    assert.deepEqual([registry?.issuerId, registry?.credDefId, registry?.value.maxCredNum], [did, definitionId, 3])
  })

  test('are read from the network that their id names, and from none that is not configured', async () => {
    const there = publishOn(other)
    assert.equal((await reader.definition(there.definitionId))?.object.schemaId, there.schemaId)
    assert.equal(other.asked.length, 1)
    const asked = [cheqd.asked.length, other.asked.length]
    for (const id of [schemaId.replace('testnet', 'devnet'), schemaId.replace('testnet', 'mainnet')]) {
      assert.equal(await reader.schema(id), undefined)
    }
    assert.deepEqual([cheqd.asked.length, other.asked.length], [asked[0], (asked[1] ?? 0) + 1])
  })

  test('have no other names than one', async () => {
    const asked = cheqd.asked.length
    const [, resourceId] = schemaId.split('/resources/')
    for (const id of [
      schemaId.toUpperCase().replace('DID:CHEQD:TESTNET', 'did:cheqd:testnet'),
      `${schemaId}/metadata`,
      `${schemaId}?resourceType=anonCredsSchema`,
      `${schemaId}#a`,
      `${did}/resources/../resources/${resourceId}`,
      `${did}/../${did}/resources/${resourceId}`,
      `${did}?resourceName=degree-Schema&resourceType=anonCredsSchema`,
      did,
    ]) {
      assert.equal(await reader.schema(id), undefined, id)
    }
    assert.equal(cheqd.asked.length, asked)
  })

  test('are status lists of a time: the last one until then', async () => {
    assert.equal(await listAt(99), undefined)
    const times = { 100: 100, 199: 100, 200: 200, 299: 200, 300: 300, 9999: 300 }
    for (const [time, found] of Object.entries(times)) assert.equal((await listAt(Number(time)))?.timestamp, found)
    assert.deepEqual(await listAt(200), {
      issuerId: did,
      revRegDefId: registryId,
      currentAccumulator: 'at 200',
      revocationList: [0, 1, 0],
      timestamp: 200,
    })
    // Of two that are of one second it is the one that the ledger has after the other.
    for (const order of [(all: AnyEvent[]) => all, (all: AnyEvent[]) => all.toReversed()]) {
      cheqd.lie = versions(order)
      assert.deepEqual((await listAt(300))?.revocationList, [1, 1, 1])
      assert.equal((await listAt(250))?.timestamp, 200)
    }
  })

  test('without a revocation key are of credentials that cannot be revoked', async () => {
    const { primary } = KEYS
    const content = { schemaId, type: 'CL', tag: 'b', value: { primary, revocation: null } }
    const id = cheqd.write(did, { name: 'b', type: 'anonCredsCredDef', content })
    assert.equal((await reader.definition(id))?.object.value.revocation, undefined)
  })

  test('are refused where they are of another type than what they are asked for', async () => {
    await assert.rejects(reader.schema(definitionId), /is of another type/)
    await assert.rejects(reader.definition(schemaId), /is of another type/)
    await assert.rejects(reader.registry(definitionId), /is of another type/)
    await assert.rejects(reader.statusList(definitionId, 100), /is of another type/)
  })

  test('are refused where the ledger has something else under their type', async () => {
    const wrong: Record<string, object[]> = {
      anonCredsSchema: [
        {},
        { name: 'a', version: '1' },
        { name: 'a', version: '1', attrNames: [1] },
        { name: 'a', version: '1', attrNames: new Array(126).fill('a') },
      ],
      anonCredsCredDef: [
        { schemaId, type: 'BBS', tag: 'a', value: KEYS },
        { schemaId, type: 'CL', tag: 'a', value: {} },
        { type: 'CL', tag: 'a', value: KEYS },
        { issuerId: cheqd.newDid(), schemaId, type: 'CL', tag: 'a', value: KEYS },
      ],
      anonCredsRevocRegDef: [0, 2 ** 21, 1.5].map((maxCredNum) => {
        const value = { publicKeys: { accumKey: { z: '1' } }, maxCredNum, tailsLocation: 'a', tailsHash: 'b' }
        return { credDefId: definitionId, revocDefType: 'CL_ACCUM', tag: 'a', value }
      }),
    }
    const read: Record<string, (id: string) => Promise<unknown>> = {
      anonCredsSchema: (id) => reader.schema(id),
      anonCredsCredDef: (id) => reader.definition(id),
      anonCredsRevocRegDef: (id) => reader.registry(id),
    }
    for (const [type, contents] of Object.entries(wrong)) {
      for (const content of contents) {
        const id = cheqd.write(did, { name: 'wrong', type, content })
        await assert.rejects(read[type]?.(id) ?? assert.fail(), /another (shape|issuer)/, JSON.stringify(content))
      }
    }
  })

  test('are refused where a list is of another registry, or not as long as its own', async () => {
    const elsewhere = publishOn(cheqd)
    writeList(cheqd, registryId, 400, [0, 0, 0], elsewhere.registryId)
    await assert.rejects(listAt(400), /is of another registry/)
    writeList(cheqd, registryId, 500, [0, 0])
    await assert.rejects(listAt(500), /is not as long as its registry/)
    writeList(cheqd, registryId, 600, [0, 0, 2])
    await assert.rejects(listAt(600), /another shape/)
    assert.equal((await listAt(399))?.timestamp, 300)
  })

  const metadata = (change: (of: AnyEvent) => object) => (_asked: string, answer: AnyEvent) => ({
    ...answer,
    contentMetadata: answer['contentMetadata'].linkedResourceMetadata
      ? answer['contentMetadata']
      : { ...answer['contentMetadata'], ...change(answer['contentMetadata']) },
  })
  const versions = (change: (of: AnyEvent[]) => unknown) => (_asked: string, answer: AnyEvent) => {
    const { linkedResourceMetadata } = answer['contentMetadata']
    return linkedResourceMetadata
      ? { ...answer, contentMetadata: { linkedResourceMetadata: change(linkedResourceMetadata) } }
      : answer
  }

  test('are refused where the resolver answers with those of others', async () => {
    const elsewhere = publishOn(cheqd)
    const lies: Record<string, [(asked: string, answer: AnyEvent) => unknown, RegExp]> = {
      'another resource of the DID': [metadata(() => ({ resourceURI: definitionId })), /is another one/],
      'the id of another': [metadata(() => ({ resourceId: definitionId.split('/')[2] })), /is another one/],
      'another DID': [metadata(() => ({ resourceCollectionId: elsewhere.did.split(':')[3] })), /is of another DID/],
      'the content alone': [(_, { contentStream }) => contentStream, /another shape/],
      nothing: [() => null, /another shape/],
      'a list': [(_, answer) => [answer], /another shape/],
      'no metadata': [(_, { contentStream }) => ({ contentStream }), /another shape/],
      'a time that is none': [metadata(() => ({ created: 'yesterday' })), /another shape/],
      'content that is text': [(_, answer) => ({ ...answer, contentStream: 'e30=' }), /another shape/],
    }
    for (const [what, [lie, problem]] of Object.entries(lies)) {
      cheqd.lie = lie
      await assert.rejects(reader.schema(schemaId), problem, what)
    }
  })

  test('are refused where the resolver keeps back a list, or tells of another', async () => {
    const elsewhere = publishOn(cheqd)
    const [theirs] = cheqd.listsOf(elsewhere.registryId)
    const lies: Record<string, [(asked: string, answer: AnyEvent) => unknown, RegExp]> = {
      'without the last ones': [
        versions((all) => all.filter(({ created }) => created < '1970-01-01T00:05:00Z')),
        /not told/,
      ],
      'without the one after': [versions((all) => all.filter((_, index) => index !== 0)), /not told/],
      'with one of others': [
        versions((all) => [...all, { ...all[0], resourceURI: `${elsewhere.did}/resources/${theirs}` }]),
        /versions of another DID/,
      ],
      'with another time': [versions((all) => all.map((one) => ({ ...one, created: '1970-01-01T00:05:01Z' }))), /time/],
      'that are none': [versions(() => 'none'), /another shape/],
    }
    for (const [what, [lie, problem]] of Object.entries(lies)) {
      cheqd.lie = lie
      await assert.rejects(listAt(400), problem, what)
    }
    // Those of another name or type are none of the registry, whatever the resolver thinks.
    cheqd.lie = versions((all) => all.map((one) => ({ ...one, resourceName: 'another' })))
    assert.equal(await listAt(400), undefined)
    cheqd.lie = versions((all) => all.map((one) => ({ ...one, resourceType: 'StatusList2021Revocation' })))
    assert.equal(await listAt(400), undefined)
  })

  test('are refused where an answer is too long, no JSON, or an error', async () => {
    cheqd.lie = (_, answer) => ({ ...answer, more: 'x'.repeat(9 * 2 ** 20) })
    await assert.rejects(reader.schema(schemaId), { code: 'PEER_UNREACHABLE' })
    const { CheqdResolvers } = await import('../../src/agent/cheqd-resolvers.js')
    const { CheqdReader } = await import('../../src/agent/anoncreds/cheqd-reader.js')
    let status = 200
    const site = createServer((_request, response) => response.writeHead(status).end('<html>'))
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const { port } = site.address() as { port: number }
    const resolvers = new CheqdResolvers([{ namespace: 'testnet', resolver: `http://127.0.0.1:${port}` }], fetch)
    const unlike = new CheqdReader(resolvers)
    await assert.rejects(unlike.schema(schemaId), /something else than JSON/)
    status = 500
    await assert.rejects(unlike.schema(schemaId), /answers 500/)
    status = 404
    assert.equal(await unlike.schema(schemaId), undefined)
    site.closeAllConnections()
    await new Promise((resolve) => site.close(resolve))
  })
})
