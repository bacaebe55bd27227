import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { AnonCredsWorkers, NativeError } from '../../src/anoncreds/index.js'
import { unpack } from '../../src/lib/msgpack.js'
import type { AnyEvent } from '../support/client.js'
import { createIssuer, createOffer, type Held, type Issuer, issue, presenting, revoke, verifying } from './parties.js'

describe('AnonCreds calls', () => {
  const workers = new AnonCredsWorkers()
  let issuer: Issuer
  let held: Held
  before(async () => {
    issuer = await createIssuer(workers, 'issuer', 10)
    held = await issue(workers, ['issuer', 'holder'], issuer, 3)
  })
  after(() => workers.stop())

  const prove = (statusList: Issuer['statusList']) =>
    workers.call('holder', 'createPresentation', { ...presenting(issuer, held, statusList), selfAttested: {} })

  test('issue a credential that is proved, until it is revoked', async () => {
    const { statusList } = issuer
    const proof = await prove(statusList)
    assert.equal(proof.requested_proof.revealed_attrs['name']?.raw, 'Alice')
    assert.equal(
      await workers.call('verifier', 'verifyPresentation', { ...verifying(issuer, statusList), proof }),
      true,
    )

    const revoked = await revoke(workers, 'issuer', issuer, held.index)
    assert.equal(revoked.timestamp, 200)
    assert.equal(revoked.revocationList[held.index], 1)
    const refused = await prove(revoked).then(
      (late) => workers.call('verifier', 'verifyPresentation', { ...verifying(issuer, revoked), proof: late }),
      (error) => error instanceof NativeError && false,
    )
    assert.equal(refused, false)
  })

  test('prove the same in the W3C form', async () => {
    const { statusList } = issuer
    const presentation = await workers.call('holder', 'createW3cPresentation', presenting(issuer, held, statusList))
    const against = verifying(issuer, statusList)
    assert.equal(await workers.call('verifier', 'verifyW3cPresentation', { ...against, presentation }), true)
    const other = { ...against, request: { ...against.request, nonce: '42' } }
    assert.equal(await workers.call('verifier', 'verifyW3cPresentation', { ...other, presentation }), false)
  })

  test('read what a credential in the W3C form says of itself, and turn it back', async () => {
    const { credential } = held
    const details = await workers.call('holder', 'readW3c', { credential })
    const legacy = await workers.call('holder', 'w3cToLegacy', { credential })
    assert.deepEqual(details, {
      schemaId: legacy.schema_id,
      credentialDefinitionId: legacy.cred_def_id,
      revocationRegistryId: legacy.rev_reg_id,
      revocationRegistryIndex: 3,
    })
    assert.equal(legacy.values['name']?.raw, 'Alice')
    // Proofs by other suites are passed over, as the library does, unless it might read them.
    const [proof] = [(credential as AnyEvent)['proof']].flat()
    const read = (...proofs: AnyEvent[]) =>
      workers.call('holder', 'readW3c', { credential: { ...credential, proof: proofs } as never })
    const own = Buffer.from(proof.proofValue.slice(1), 'base64url')
    const size = [own.length >>> 8, own.length & 0xff]
    for (const before of [[0xd9, 0x5d, 0x00, 0x82], [0xc0], [0xc5, ...size], [0xda, ...size], [0xc8, ...size, 1]]) {
      const other = ofAnotherSuite(proof, Buffer.from([...before, ...own]))
      assert.deepEqual(await read(proof, other), details)
      assert.deepEqual(await read(other, proof), details)
      await assert.rejects(read(other), NativeError)
    }
    const longer = ofAnotherSuite(proof, Buffer.from([...own, 0]))
    await assert.rejects(read(proof, longer), { message: 'A proof is not packed as it has to be' })
  })

  test('write tails where they are asked to, and nothing is left of them after the stop', async () => {
    const { tailsLocation } = issuer.registry.revocationRegistryDefinition.value
    assert.ok(tailsLocation.startsWith(await workers.tailsFolder()) && existsSync(tailsLocation))
    const others = new AnonCredsWorkers()
    const folder = await others.tailsFolder()
    await others.stop()
    assert.ok(!existsSync(folder))
  })

  test('refuse what was tampered with, and go on', async () => {
    const { short } = workers.pids
    const against = verifying(issuer, issuer.statusList)
    const proof = await prove(issuer.statusList)
    const changed = structuredClone(proof)
    changed.requested_proof.revealed_attrs['name']!.encoded = '42'
    const verdict = await workers
      .call('verifier', 'verifyPresentation', { ...against, proof: changed })
      .catch((error) => error)
    assert.ok(verdict === false || verdict instanceof NativeError, String(verdict))

    const offer = await createOffer(workers, 'issuer', issuer.definition)
    const broken: object[] = [
      {},
      [],
      { ...offer, nonce: 'no number' },
      { ...offer, key_correctness_proof: { ...offer.key_correctness_proof, c: '1' } },
      { ...offer, cred_def_id: 1 },
    ]
    for (const wrong of broken) {
      const call = workers.call('holder', 'createCredentialRequest', {
        offer: wrong as typeof offer,
        definition: issuer.definition.credentialDefinition,
        linkSecret: held.linkSecret,
        linkSecretId: 'mine',
      })
      await assert.rejects(call, NativeError, JSON.stringify(wrong))
    }
    const cut = { ...held, linkSecret: `${held.linkSecret}\0` }
    await assert.rejects(
      workers.call('holder', 'createW3cPresentation', presenting(issuer, cut, issuer.statusList)),
      NativeError,
    )
    await assert.rejects(
      workers.call('issuer', 'createCredentialOffer', { schemaId: 'x', definitionId: 'y' } as never),
      Error,
    )
    assert.equal(await workers.call('verifier', 'verifyPresentation', { ...against, proof }), true)
    assert.equal(workers.pids.short, short)
  })

  test('are not made with numbers that would take hours, nor with too many', async () => {
    const { statusList } = issuer
    const against = verifying(issuer, statusList)
    const proof = await prove(statusList)
    const [id = ''] = Object.keys(against.definitions)
    const long = `${'9'.repeat(1499)}7`
    /** A copy in which something is changed. */
    const changed = <T>(of: T, change: (copy: AnyEvent) => void): T => {
      const copy = structuredClone(of)
      change(copy)
      return copy
    }
    const ofDefinition = (change: (value: AnyEvent) => void) =>
      workers.call('verifier', 'verifyPresentation', {
        ...changed(against, ({ definitions }) => change(definitions[id].value)),
        proof,
      })
    const ofProof = (change: (copy: AnyEvent) => void) =>
      workers.call('verifier', 'verifyPresentation', { ...against, proof: changed(proof, change) })
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`a${index}`, '7']))
    const predicates = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [index, { name: 'year', p_type: '>=' as const, p_value: index }]),
    )
    const offer = await createOffer(workers, 'issuer', issuer.definition)
    const presented = await workers.call('holder', 'createW3cPresentation', presenting(issuer, held, statusList))
    const repacked = (change: (number: number[]) => number[]) =>
      changed(presented, ({ verifiableCredential: [{ proof: shown }] }) => {
        shown.cryptosuite = 'another'
        shown.proofValue = `u${Buffer.from(repack(shown.proofValue, change)).toString('base64url')}`
      })
    const calls = [
      () => ofDefinition(({ primary }) => Object.assign(primary, { n: long })),
      () => ofDefinition(({ primary }) => Object.assign(primary.r, { raw: long })),
      () => ofDefinition(({ primary }) => Object.assign(primary.r, many)),
      () => ofProof((copy) => Object.assign(copy.proof.proofs[0].primary_proof.eq_proof, { v: long })),
      () => ofProof((copy) => Object.assign(copy.proof.proofs[0].primary_proof.eq_proof.m, many)),
      () => ofProof((copy) => copy.proof.aggregated_proof.c_list.push(Array(1000).fill(7))),
      () => ofProof((copy) => Object.assign(copy.requested_proof.revealed_attrs.name, { encoded: long })),
      () =>
        workers.call('holder', 'createPresentation', {
          ...presenting(issuer, held, statusList),
          request: { ...against.request, requested_predicates: predicates },
          selfAttested: {},
        }),
      () =>
        workers.call('holder', 'createPresentation', {
          ...changed(presenting(issuer, held, statusList), (copy) => {
            copy.credentials = Array(60).fill(copy.credentials[0])
          }),
          selfAttested: {},
        }),
      () =>
        workers.call('holder', 'createCredentialRequest', {
          offer: { ...offer, nonce: long },
          definition: issuer.definition.credentialDefinition,
          linkSecret: held.linkSecret,
          linkSecretId: 'mine',
        }),
      () =>
        workers.call('issuer', 'createCredentialDefinition', {
          schema: { ...issuer.schema, attrNames: Object.keys(many) },
          schemaId: 'schema',
          issuerId: 'issuer',
          tag: 'a',
          supportRevocation: false,
        }),
      () =>
        workers.call('verifier', 'verifyW3cPresentation', {
          ...against,
          presentation: repacked((number) => [...Array(600).fill(7), ...number]),
        }),
    ]
    for (const call of calls) await assert.rejects(call(), { name: 'NativeError', message: /too (long|many)/ })
    // What is only told may be of any length, and what is within the bounds goes to the library.
    assert.equal(await ofProof((copy) => Object.assign(copy.requested_proof.revealed_attrs.name, { raw: long })), true)
    assert.equal(
      await workers.call('verifier', 'verifyW3cPresentation', { ...against, presentation: repacked((of) => of) }),
      true,
    )
  })
})

const ofAnotherSuite = (proof: AnyEvent, packed: Buffer) => ({
  ...proof,
  cryptosuite: 'ecdsa-sd-2023',
  proofValue: `u${packed.toString('base64url')}`,
})

/** A proof whose first number of 32 bytes is another. */
function repack(proofValue: string, change: (number: number[]) => number[]): Uint8Array {
  const bytes = Buffer.from(proofValue.slice(1), 'base64url')
  const value = unpack(bytes) as AnyEvent
  const { revealed_attrs: revealed } = value[1].sub_proof.primary_proof.eq_proof
  revealed.name = change([...revealed.name])
  return pack(value)
}

/** The little of MessagePack that a proof has. */
function pack(value: unknown): Uint8Array {
  const head = (type: number, size: number) => Buffer.from([type, size >>> 24, size >>> 16, size >>> 8, size])
  if (value === null) return Buffer.from([0xc0])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xd3)
    bytes.writeBigInt64BE(BigInt(value), 1)
    return bytes
  }
  if (typeof value === 'string') return Buffer.concat([head(0xdb, Buffer.byteLength(value)), Buffer.from(value)])
  if (Array.isArray(value)) return Buffer.concat([head(0xdd, value.length), ...value.map(pack)])
  const entries = Object.entries(value as object)
  return Buffer.concat([head(0xdf, entries.length), ...entries.flatMap(([name, item]) => [pack(name), pack(item)])])
}
