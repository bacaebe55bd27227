import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { ResourceContent } from '../../src/agent/attested-resource.js'
import { base58Encode } from '../../src/lib/base58.js'
import { sha256 } from '../../src/lib/ids.js'
import type { Unit } from '../../src/storage/unit.js'
import { KINDS } from '../storage/places.js'
import { type AnyDid, urlOf } from './did-api.js'
import { type HostingParts, openHosting } from './parts.js'

const schemaOf = (issuerId: string, name = 'degree') => ({ issuerId, name, version: '1.0', attrNames: ['a', 'b'] })

for (const kind of KINDS) {
  describe(`resources of hosted DIDs on ${kind}`, () => {
    let home: HostingParts
    let away: HostingParts
    before(async () => {
      home = await openHosting(kind)
      away = await openHosting('sqlite')
    })
    after(async () => {
      await home?.close()
      await away?.close()
    })

    /** Signs and publishes. @returns the whole id */
    async function publish(did: string, content: Record<string, unknown>, links?: AnyDid[]): Promise<string> {
      const { signResource } = await import('../../src/agent/attested-resource.js')
      return home.transact('one', async ({ context }, unit) => {
        const signed = await signResource(context, {
          issuerDid: did,
          content,
          metadata: { resourceType: 'any' },
          links,
        })
        home.publish(unit, signed)
        unit.touch()
        return signed.resourceId
      })
    }

    async function get(parts: HostingParts, id: string): Promise<ResourceContent> {
      const { OutsideResources } = await import('../../src/agent/outside-resources.js')
      return parts.transact('two', ({ context }) => context.resolve(OutsideResources).get(context, id))
    }

    const read = async (id: string) => (await fetch(urlOf(...split(id)))).json() as Promise<AnyDid>
    const split = (id: string) => id.split(/(?<=^[^/]*)\//) as [string, string]

    /** Puts something else in the place of a resource, as whoever has the host could. */
    async function forge(id: string, change: (body: AnyDid) => unknown): Promise<void> {
      const [did, file] = split(id)
      const name = `${home.hosting.pathOf(did)}/${file.slice('resources/'.length)}`
      await home.profiles.base.transact(async (unit: Unit) => {
        const entry = await unit.fetch('hosted-resource', name)
        assert.ok(entry)
        const changed = change(JSON.parse(entry.value))
        await unit.replace({ ...entry, value: typeof changed === 'string' ? changed : JSON.stringify(changed) })
      })
    }

    test('are taken by the registry of stock agents', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const id = await publish(did, schemaOf(did))
      const { WebVhAnonCredsRegistry, WebVhDidResolver } = await import('@credo-ts/webvh')
      const { resolutionMetadata, schema } = await away.transact('two', async ({ context }) => {
        // Stock cannot fetch from a host with a port; all else is as it comes.
        const resolver = new WebVhDidResolver()
        resolver.resolveResource = async () => ({
          content: await read(id),
          contentMetadata: { contentType: 'application/json', retrieved: '' },
          dereferencingMetadata: { contentType: 'application/json' },
        })
        context.dependencyManager.registerInstance(WebVhDidResolver, resolver)
        return new WebVhAnonCredsRegistry().getSchema(context, id)
      })
      assert.equal(resolutionMetadata.error, undefined)
      assert.deepEqual(schema, schemaOf(did))
    })

    test('that stock agents have made are taken', async () => {
      const { DidDocument, JsonTransformer } = await import('@credo-ts/core')
      const { WebVhAnonCredsRegistry, WebVhDidRegistrar } = await import('@credo-ts/webvh')
      const { verifyResource } = await import('../../src/agent/attested-resource.js')
      await home.transact('one', async ({ context }) => {
        const { didState } = await new WebVhDidRegistrar().create(context, { method: 'webvh', domain: 'acme.example' })
        const { did = '', didDocument } = didState
        const schema = schemaOf(did)
        const made = await new WebVhAnonCredsRegistry().registerSchema(context, { schema, options: {} })
        const { attestedResource } = made.registrationMetadata as AnyDid
        const document = JsonTransformer.fromJSON(didDocument?.toJSON(), DidDocument)
        assert.deepEqual(verifyResource(attestedResource, String(made.schemaState.schemaId), document).content, schema)
      })
    })

    test('are found by other gateways, once for many uses, and at home without the network', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const id = await publish(did, schemaOf(did))
      const before = home.asked.length
      for (let times = 0; times < 3; times++) assert.deepEqual((await get(away, id)).content, schemaOf(did))
      assert.equal(home.asked.length - before, 2)
      assert.deepEqual((await get(home, id)).content, schemaOf(did))
      assert.equal(home.asked.length - before, 2)
    })

    test('all hold after the keys are rotated, and new ones do where the old keys are remembered', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const ids: string[] = []
      for (let index = 0; index < 20; index++) ids.push(await publish(did, schemaOf(did, `s${index}`)))
      assert.ok(await get(away, ids[0] as string))
      const old = (await read(ids[0] as string)).proof.verificationMethod
      await home.hosted.update('one', { did, rotateKeys: true })
      for (const id of ids) {
        assert.notEqual((await read(id)).proof.verificationMethod, old)
        assert.ok(await get(away, id))
      }
      assert.ok(await get(away, await publish(did, schemaOf(did, 'new'))))
    })

    test('get links, which are seen at once by those who are told to ask each time', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const content = { issuerId: did, revocDefType: 'CL_ACCUM' }
      const id = await publish(did, content, [])
      assert.deepEqual((await get(away, id)).links, [])
      const link = { id: `${did}/resources/zQm`, type: 'anonCredsStatusList', timestamp: 1 }
      assert.equal(await publish(did, content, [link]), id)
      assert.deepEqual((await get(home, id)).links, [link])
      assert.deepEqual((await get(away, id)).links, [link])
      const before = home.statuses.length
      for (let times = 0; times < 3; times++) assert.deepEqual((await get(away, id)).links, [link])
      assert.deepEqual(home.statuses.slice(before), [304, 304, 304])
      // Those who come at once share the next answer.
      const asked = home.asked.length
      const all = await Promise.all(Array.from({ length: 20 }, () => get(away, id)))
      for (const { links } of all) assert.deepEqual(links, [link])
      assert.ok(home.asked.length - asked <= 3, `${home.asked.length - asked} requests`)
    })

    test('are found with links to thousands of lists, but with no other long ones', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const content = { issuerId: did, revocDefType: 'CL_ACCUM' }
      const list = { id: `${did}/resources/z${'Q'.repeat(46)}`, type: 'anonCredsStatusList', timestamp: 1_700_000_000 }
      const links = new Array(5000).fill(list)
      const id = await publish(did, content, links)
      assert.deepEqual((await get(away, id)).links, links)
      const { timestamp, ...rest } = list
      const others: [AnyDid, number][] = [
        [{ ...list, more: [timestamp] }, 5000],
        [{ ...rest, type: 'a'.repeat(2000) }, 500],
        [{ id: 'a', type: 'b' }, 20_000],
        [list, 25_000],
      ]
      for (const [index, [other, count]] of others.entries()) {
        const long = await publish(did, { ...content, index }, new Array(count).fill(other))
        await assert.rejects(get(away, long), { message: /cannot be found/ })
      }
    })

    test('are refused where anything of them is changed, or someone else has signed', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const { did: foreign } = await home.hosted.create('one', 'webvh', null)
      const { proofFor } = await import('../../src/lib/data-integrity.js')
      const { generateKeyPairSync, sign } = await import('node:crypto')
      const { publicKey, privateKey } = generateKeyPairSync('ed25519')
      const { multikeyOf } = await import('../../src/lib/multibase.js')
      const multikey = multikeyOf(Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url'))
      const signedByAnyone = async ({ proof: _, ...body }: AnyDid) => ({
        ...body,
        proof: await proofFor(
          body,
          { verificationMethod: `did:key:${multikey}#${multikey}`, proofPurpose: 'assertionMethod' },
          async (data) => sign(null, data, privateKey),
        ),
      })
      const foreignProof = (await read(await publish(foreign, schemaOf(did)))).proof
      const forgeries: ((body: AnyDid) => AnyDid)[] = [
        (body) => ({ ...body, content: { ...body.content, version: '2.0' } }),
        (body) => ({ ...body, links: [{ id: 'a', type: 'b' }] }),
        (body) => ({ ...body, metadata: {} }),
        (body) => ({ ...body, id: body.id.replace(did, foreign) }),
        (body) => ({ ...body, proof: { ...body.proof, proofPurpose: 'authentication' } }),
        (body) => ({ ...body, proof: undefined }),
        (body) => ({ ...body, proof: foreignProof }),
        (body) => ({ ...body, type: 'Other' }),
        () => null,
        () => [],
      ]
      for (const [index, forgery] of forgeries.entries()) {
        const id = await publish(did, schemaOf(did, `forged ${index}`))
        await forge(id, forgery)
        await assert.rejects(get(away, id), { message: /^A resource of a DID/ }, String(forgery))
      }
      const id = await publish(did, schemaOf(did, 'by anyone'))
      const byAnyone = await signedByAnyone(await read(id))
      await forge(id, () => byAnyone)
      await assert.rejects(get(away, id), { message: /foreign key/ })
      for (const bad of ['', 'did:webvh:a', `${did}/resources/`, `${did}/resources/../x`, `${did}/../resources/zabc`]) {
        await assert.rejects(get(away, bad), { message: /no id/ })
      }
    })

    test('are taken up to a size, which only the entries of a status list may pass, and looked through once', async (t) => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const entries = new Array(200_000).fill(0)
      const list = { issuerId: did, revRegDefId: 'a', revocationList: entries }
      assert.deepEqual((await get(away, await publish(did, list))).content, list)
      const largest = { ...list, revocationList: new Array(2 ** 20).fill(0) }
      const spaced = await publish(did, largest)
      await forge(spaced, (body) => JSON.stringify(body).replaceAll('0,', '0, '))
      assert.deepEqual((await get(away, spaced)).content, largest)
      const others = [{ other: entries }, { revocationList: [...entries, 2] }, { ...list, more: 'a'.repeat(300_000) }]
      for (const content of others) {
        const id = await publish(did, content)
        await assert.rejects(get(away, id), { message: /cannot be found/ })
      }
      const marker = 'looked through'
      const forged = await publish(did, schemaOf(did, 'looked at'))
      await forge(forged, (body) => ({ ...body, content: { ...body.content, [marker]: 1 } }))
      const { mock } = t.mock.method(JSON, 'stringify')
      const looks = () => mock.calls.filter(({ arguments: [value] }) => (value as unknown) === marker).length
      await assert.rejects(get(away, forged), { message: /other content/ })
      assert.equal(looks(), 1)
      await assert.rejects(get(away, forged), { message: /other content/ })
      assert.equal(looks(), 1)
    })

    test('hold no more once their DID is deactivated', async () => {
      const { did } = await home.hosted.create('one', 'webvh', null)
      const id = await publish(did, schemaOf(did))
      await home.hosted.deactivate('one', did)
      for (const parts of [home, away]) await assert.rejects(get(parts, id), { message: /cannot be found/ })
      await assert.rejects(publish(did, schemaOf(did, 'more')), { message: /no key/ })
    })

    test('a path that an attempt has left behind can be used again by its tenant alone', async () => {
      const path = `left-${kind}`
      const cut = home.transact('one', async (_agent, unit) => {
        const did = `did:web:${home.hosting.didBase}:${path}`
        home.publish(unit, { kind: 'DID', did, version: 1, document: { id: did } })
        unit.add({ prepare: () => Promise.reject(new Error('cut')) }, true)
      })
      await assert.rejects(cut, { message: 'cut' })
      assert.ok(await home.hosting.at(path))
      await assert.rejects(home.hosted.create('two', 'webvh', { path }), { code: 'CONFLICT' })
      const { did } = await home.hosted.create('one', 'webvh', { path })
      assert.equal((await home.hosting.at(path))?.did, did)
      await assert.rejects(home.hosted.create('one', 'webvh', { path }), { code: 'CONFLICT' })
    })

    test('a change that was not published is published later, with what was signed meanwhile', async () => {
      const { HostedDids } = await import('../../src/dids/hosted-dids.js')
      const { did } = await home.hosted.create('one', 'webvh', null)
      const first = await publish(did, schemaOf(did))
      let marked = 0
      let units = 0
      const cutOff = new HostedDids(
        { transact: (id, fn) => (++units > 1 ? Promise.reject(new Error('cut')) : home.transact(id, fn)) },
        home.hosting,
        { event() {}, send() {}, route() {}, publish: home.publish },
        async () => void marked++,
      )
      await assert.rejects(cutOff.update('one', { did, rotateKeys: true }), { message: 'cut' })
      assert.equal(marked, 1, 'whoever comes after a crash is told before the commit')
      assert.ok(cutOff.isPending('one'))
      assert.ok(await get(away, first), 'what is served fits together')
      const second = await publish(did, schemaOf(did, 'meanwhile'))
      await home.hosted.finish('one')
      for (const id of [first, second]) assert.deepEqual((await get(away, id)).content, (await read(id)).content)
      assert.equal((await home.hosting.at(home.hosting.pathOf(did) as string))?.version, 2)
    })

    test('tails files are served in pieces, for ever, and go with the last tenant that has published them', async () => {
      const bytes = randomBytes(500_000)
      const hash = base58Encode(sha256(bytes))
      for (const tenant of ['one', 'two'] as const) {
        await home.transact(tenant, async (_agent, unit) => home.publish(unit, { kind: 'TAILS', hash, bytes }))
      }
      const url = `${home.url}/tails/${hash}`
      const answer = await fetch(url)
      assert.equal(answer.headers.get('content-type'), 'application/octet-stream')
      assert.match(answer.headers.get('cache-control') ?? '', /max-age=31536000, immutable/)
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes))
      assert.equal((await fetch(url, { headers: { 'if-none-match': `"${hash}"` } })).status, 304)
      const head = await fetch(url, { method: 'HEAD' })
      assert.equal(head.headers.get('content-length'), '500000')
      await assert.rejects(
        home.transact('one', async (_agent, unit) =>
          home.publish(unit, { kind: 'TAILS', hash, bytes: bytes.subarray(1) }),
        ),
        { message: /not what its hash says/ },
      )
      await home.hosting.withdrawAll('one')
      assert.equal((await fetch(url)).status, 200)
      await home.hosting.withdrawAll('two')
      assert.equal((await fetch(url)).status, 404)
    })

    test('all that a tenant has published goes with it, and nothing else', async () => {
      const [mine, other] = [
        await home.hosted.create('one', 'webvh', { path: 'goes' }),
        await home.hosted.create('two', 'webvh', { path: 'goes/not' }),
      ]
      const id = await publish(mine.did, schemaOf(mine.did))
      assert.equal((await fetch(urlOf(...split(id)))).status, 200)
      await home.hosting.withdrawAll('one')
      assert.equal((await fetch(urlOf(...split(id)))).status, 404)
      assert.equal((await fetch(urlOf(mine.did, 'did.jsonl'))).status, 404)
      assert.equal((await fetch(urlOf(other.did, 'did.jsonl'))).status, 200)
    })
  })
}
