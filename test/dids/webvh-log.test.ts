import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { createDID, deactivateDID, prepareDataForSigning, resolveDIDFromLog, updateDID } from 'didwebvh-ts'
import { appendEntry, beginLog, keyHash, type LogEntry, SCID, verifyLog } from '../../src/agent/webvh-log.js'
import { proofFor } from '../../src/lib/data-integrity.js'
import { jsonHash, multikeyOf } from '../../src/lib/multibase.js'
import { type AnyDid, verifier } from './did-api.js'

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const multikey = multikeyOf(Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url'))
  const signBytes = async (data: Uint8Array) => new Uint8Array(sign(null, data, privateKey))
  return {
    multikey,
    sign: signBytes,
    /** The same key as didwebvh-ts wants it. */
    signer: {
      getVerificationMethodId: () => `did:key:${multikey}#${multikey}`,
      async sign({ document, proof }: { document: unknown; proof: unknown }) {
        const { multibaseEncode, MultibaseEncoding } = await import('didwebvh-ts')
        const signature = await signBytes(await prepareDataForSigning(document, proof))
        return { proofValue: multibaseEncode(signature, MultibaseEncoding.BASE58_BTC) }
      },
    },
  }
}

const didOf = (log: LogEntry[]) => String(log[0]?.state['id'])
const documentOf = (did: string) => ({ '@context': ['https://www.w3.org/ns/did/v1'], id: did, controller: did })

/** A log of three entries, its keys promised one by one. */
async function ownLog() {
  const keys = [newKey(), newKey(), newKey(), newKey()]
  const [first, second, third, fourth] = keys as [AnyDid, AnyDid, AnyDid, AnyDid]
  let log = await beginLog(documentOf(`did:webvh:${SCID}:acme.example`), first, keyHash(second.multikey))
  const next = async (key: AnyDid, promised: AnyDid, state = log[0]?.state as AnyDid) => {
    const parameters = { updateKeys: [key.multikey], nextKeyHashes: [keyHash(promised.multikey)] }
    log = await appendEntry(log, state, parameters, key)
  }
  await next(second, third, { ...log[0]?.state, alsoKnownAs: ['https://acme.example'] })
  await next(third, fourth)
  return { log, did: didOf(log), keys }
}

describe('a log of did:webvh', () => {
  test('that is written here is taken by didwebvh-ts, as it is here', async () => {
    const { log, did } = await ownLog()
    const stock = await resolveDIDFromLog(log as AnyDid, { verifier, witnessProofs: [] })
    assert.equal(stock.did, did)
    const own = await verifyLog(log, did)
    assert.deepEqual(
      [own.versionId, own.created, own.updated],
      [stock.meta.versionId, stock.meta.created, stock.meta.updated],
    )
    assert.deepEqual(own.document, log[2]?.state)
    assert.ok(Date.parse(own.updated) <= Date.now())
    for (const [index, entry] of log.entries()) {
      if (index > 0) assert.ok(Date.parse(entry.versionTime) > Date.parse(log[index - 1]?.versionTime ?? ''))
    }
  })

  test('that didwebvh-ts has written is taken here, to its end', async () => {
    const [key, next] = [newKey(), newKey()]
    const method = { type: 'Multikey', publicKeyMultibase: key.multikey }
    const created = await createDID({
      // Nobody is there whom its last step could ask for witnesses.
      domain: 'localhost%3A1',
      paths: ['issuer'],
      signer: key.signer,
      verifier,
      updateKeys: [key.multikey],
      verificationMethods: [method],
      nextKeyHashes: [keyHash(next.multikey)],
    })
    assert.equal((await verifyLog(created.log as LogEntry[], created.did)).document['id'], created.did)
    const options = { signer: next.signer, verifier, witnessProofs: [] }
    const updated = await updateDID({
      ...options,
      log: created.log,
      updateKeys: [next.multikey],
      verificationMethods: [method],
    })
    assert.equal((await verifyLog(updated.log as LogEntry[], created.did)).deactivated, false)
    const ended = await deactivateDID({ log: updated.log, signer: next.signer, verifier })
    assert.equal((await verifyLog(ended.log as LogEntry[], created.did)).deactivated, true)
  })

  test('is refused where any part of it is changed', async () => {
    const { log, did } = await ownLog()
    const change = (index: number, fn: (entry: AnyDid) => AnyDid) =>
      log.map((entry, at) => (at === index ? fn(structuredClone(entry)) : entry)) as LogEntry[]
    const forgeries: LogEntry[][] = [
      [],
      log.slice(1),
      [log[0], log[2]] as LogEntry[],
      [...log, log[2]] as LogEntry[],
      change(2, (entry) => ({ ...entry, proof: [] })),
      change(1, (entry) => ({ ...entry, proof: [] })),
      change(1, ({ proof: _, ...entry }) => entry),
      change(1, (entry) => ({ ...entry, proof: log[2]?.proof })),
      change(2, (entry) => ({ ...entry, state: { ...entry.state, alsoKnownAs: ['https://evil.example'] } })),
      change(2, (entry) => ({ ...entry, versionTime: new Date().toISOString() })),
      change(0, (entry) => ({ ...entry, state: { ...entry.state, alsoKnownAs: ['https://evil.example'] } })),
      change(0, (entry) => ({ ...entry, parameters: { ...entry.parameters, portable: true } })),
      change(0, (entry) => ({ ...entry, parameters: { ...entry.parameters, method: 'did:webvh:0.5' } })),
    ]
    for (const [index, forged] of forgeries.entries()) await assert.rejects(verifyLog(forged, did), `forgery ${index}`)
    await assert.rejects(verifyLog(log, `${did}:other`))
    await assert.rejects(verifyLog(log, did.replace('acme.example', 'evil.example')))
    await assert.rejects(verifyLog((await ownLog()).log, did))
    assert.ok(await verifyLog(log, did))
  })

  test('cannot be gone on with by keys that were used, were never promised, or are those of someone else', async () => {
    const { log, did, keys } = await ownLog()
    const state = log[2]?.state as AnyDid
    for (const key of [...keys.slice(0, 3), newKey()] as AnyDid[]) {
      const parameters = { updateKeys: [key.multikey], nextKeyHashes: [] }
      await assert.rejects(verifyLog(await appendEntry(log, state, parameters, key), did), /not promised/)
      const silent = await appendEntry(log, state, { nextKeyHashes: [] }, key)
      await assert.rejects(verifyLog(silent, did), /proof/)
    }
    const fourth = keys[3] as AnyDid
    const parameters = { updateKeys: [fourth.multikey], nextKeyHashes: [] }
    assert.ok(await verifyLog(await appendEntry(log, state, parameters, fourth), did))
    const draft = { versionId: log[2]?.versionId, versionTime: new Date().toISOString(), parameters, state }
    const entry = { ...draft, versionId: `4-${jsonHash(draft)}` }
    const verificationMethod = `did:webvh:${fourth.multikey}:evil.example#key`
    const proof = [await proofFor(entry, { verificationMethod, proofPurpose: 'assertionMethod' }, fourth.sign)]
    await assert.rejects(verifyLog([...log, { ...entry, proof } as LogEntry], did), /proof/)
  })

  test('may be signed several times, but not without an end: each proof is of the whole entry', async () => {
    const { log, did } = await ownLog()
    const signedTimes = (count: number) =>
      log.with(2, { ...(log[2] as LogEntry), proof: Array(count).fill(log[2]?.proof[0]) })
    assert.ok(await verifyLog(signedTimes(8), did))
    await assert.rejects(verifyLog(signedTimes(9), did), /too many proofs/)
  })

  test('of a DID that has ended does not go on', async () => {
    const { log, did, keys } = await ownLog()
    const key = keys[3] as AnyDid
    const state = log[2]?.state as AnyDid
    const free = await appendEntry(log, state, { updateKeys: [key.multikey], nextKeyHashes: [] }, key)
    const ended = await appendEntry(free, state, { deactivated: true }, key)
    assert.equal((await verifyLog(ended, did)).deactivated, true)
    await assert.rejects(verifyLog(await appendEntry(ended, state, { deactivated: false }, key), did), /end/)
  })

  test('needs the approval of its witnesses', async () => {
    const [key, next, witness, other] = [newKey(), newKey(), newKey(), newKey()]
    const idOf = ({ multikey }: typeof witness) => `did:key:${multikey}`
    const { log, did } = await createDID({
      domain: 'acme.example',
      signer: key.signer,
      verifier,
      updateKeys: [key.multikey],
      nextKeyHashes: [keyHash(next.multikey)],
      verificationMethods: [{ type: 'Multikey', publicKeyMultibase: key.multikey }],
      witness: { threshold: 1, witnesses: [{ id: idOf(witness) }] },
    })
    const approve = async (by: typeof witness, versionId: string) => ({
      versionId,
      proof: [
        await proofFor(
          { versionId },
          { verificationMethod: `${idOf(by)}#${by.multikey}`, proofPurpose: 'assertionMethod' },
          by.sign,
        ),
      ],
    })
    const { versionId } = log[0] as LogEntry
    await assert.rejects(verifyLog(log as LogEntry[], did), /witness/)
    await assert.rejects(verifyLog(log as LogEntry[], did, [await approve(other, versionId)]), /witness/)
    await assert.rejects(verifyLog(log as LogEntry[], did, [await approve(witness, '1-Qm')]), /witness/)
    assert.ok(await verifyLog(log as LogEntry[], did, [await approve(witness, versionId)]))
  })
})
