import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { KeyAlgorithm, Session } from '@openwallet-foundation/askar-shared'
import { shared } from '../../src/askar/index.js'
import { askarError, codes, createStore, inSession, type TestStore } from './stores.js'

const utf8 = (text: string) => Uint8Array.from(Buffer.from(text))
const base64url = (text: string) => Uint8Array.from(Buffer.from(text, 'base64url'))

/** RFC 8037, appendix A: an Ed25519 key, its thumbprint, a message and its signature. */
const rfc8037 = {
  jwk: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  },
  thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  message: 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc',
  signature: 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
}

/** What keys do, in memory and in a store, with any binding. */
export function keyContract(): void {
  const { Key, Jwk, KeyAlgorithm: Algorithm, SignatureAlgorithm, CryptoBox } = shared

  describe('keys', () => {
    test('a key is read from a JWK, and told as one', () => {
      const key = Key.fromJwk({ jwk: Jwk.fromJson(rfc8037.jwk) })
      assert.equal(key.algorithm, Algorithm.Ed25519)
      assert.equal(key.ephemeral, false)
      assert.deepEqual(key.publicBytes, base64url(rfc8037.jwk.x))
      assert.deepEqual(key.secretBytes, base64url(rfc8037.jwk.d))
      assert.equal(key.jwkPublic.x, rfc8037.jwk.x)
      assert.equal(key.jwkPublic.d, undefined)
      assert.equal(key.jwkSecret.d, rfc8037.jwk.d)
      assert.equal(key.jwkThumbprint, rfc8037.thumbprint)
      key.handle.free()
    })

    test('a JWK is taken as the JSON that Credo hands over, too', () => {
      const jwk = utf8(JSON.stringify(rfc8037.jwk)) as never
      const key = Key.fromJwk({ jwk })
      assert.deepEqual(key.secretBytes, base64url(rfc8037.jwk.d))
      key.handle.free()
    })

    test('signatures are made as in RFC 8037, and verified', () => {
      const key = Key.fromJwk({ jwk: Jwk.fromJson(rfc8037.jwk) })
      const message = utf8(rfc8037.message)
      const signature = key.signMessage({ message })
      assert.deepEqual(signature, base64url(rfc8037.signature))
      const publicKey = Key.fromPublicBytes({ algorithm: Algorithm.Ed25519, publicKey: key.publicBytes })
      assert.equal(publicKey.verifySignature({ message, signature }), true)
      assert.equal(publicKey.verifySignature({ message: utf8('other'), signature }), false)
      assert.equal(publicKey.verifySignature({ message, signature: new Uint8Array(64) }), false)
      assert.throws(() => publicKey.signMessage({ message }), askarError(codes.input))
    })

    const signing: [KeyAlgorithm, (typeof SignatureAlgorithm)[keyof typeof SignatureAlgorithm]][] = [
      [Algorithm.EcSecp256r1, SignatureAlgorithm.ES256],
      [Algorithm.EcSecp384r1, SignatureAlgorithm.ES384],
      [Algorithm.EcSecp256k1, SignatureAlgorithm.ES256K],
    ]
    for (const [algorithm, sigType] of signing) {
      test(`${algorithm} signs by ${sigType}`, () => {
        const key = Key.generate(algorithm)
        const signature = key.signMessage({ message: utf8('hello'), sigType })
        assert.equal(key.verifySignature({ message: utf8('hello'), signature, sigType }), true)
        assert.equal(Key.fromSecretBytes({ algorithm, secretKey: key.secretBytes }).jwkThumbprint, key.jwkThumbprint)
      })
    }

    test('an Ed25519 key is converted to X25519', () => {
      const key = Key.fromJwk({ jwk: Jwk.fromJson(rfc8037.jwk) }).convertkey({ algorithm: Algorithm.X25519 })
      assert.equal(key.algorithm, Algorithm.X25519)
      const publicOnly = Key.fromPublicBytes({ algorithm: Algorithm.Ed25519, publicKey: base64url(rfc8037.jwk.x) })
      assert.deepEqual(publicOnly.convertkey({ algorithm: Algorithm.X25519 }).publicBytes, key.publicBytes)
      assert.throws(() => key.convertkey({ algorithm: Algorithm.Ed25519 }), askarError(codes.unsupported))
    })

    test('a seed gives the same key each time', () => {
      const seed = utf8('testseed000000000000000000000001')
      const [one, other] = [1, 2].map(() => Key.fromSeed({ algorithm: Algorithm.Ed25519, seed }))
      assert.equal(one?.jwkThumbprint, other?.jwkThumbprint)
      assert.equal(Key.generate(Algorithm.Ed25519, undefined, true).ephemeral, true)
    })

    test('two sides agree on a key', () => {
      const [alice, bob] = [Key.generate(Algorithm.X25519), Key.generate(Algorithm.X25519)]
      const one = alice.keyFromKeyExchange({ algorithm: Algorithm.Chacha20XC20P, publicKey: bob })
      const other = bob.keyFromKeyExchange({ algorithm: Algorithm.Chacha20XC20P, publicKey: alice })
      assert.deepEqual(one.secretBytes, other.secretBytes)
    })

    test('bad input is an error of its own', () => {
      const jwk = Jwk.fromJson({ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' })
      assert.throws(() => Key.fromJwk({ jwk }), askarError(codes.input))
      assert.throws(() => Key.generate('rot13' as KeyAlgorithm), askarError(codes.unsupported))
      const short = { algorithm: Algorithm.Ed25519, secretKey: new Uint8Array(3) }
      assert.throws(() => Key.fromSecretBytes(short), askarError(codes.input))
    })
  })

  describe('encryption', () => {
    for (const algorithm of [Algorithm.AesA256Gcm, Algorithm.AesA128CbcHs256, Algorithm.Chacha20XC20P]) {
      test(`${algorithm} encrypts and decrypts`, () => {
        const key = Key.generate(algorithm)
        const [message, aad] = [utf8('hello there'), utf8('header')]
        const encrypted = key.aeadEncrypt({ message, aad })
        const { ciphertext, tag, nonce } = encrypted.parts
        assert.deepEqual(key.aeadParams, new shared.AeadParams({ nonceLength: nonce.length, tagLength: tag.length }))
        const padding = shared.askar.keyAeadGetPadding({ localKeyHandle: key.handle, msgLen: message.length })
        assert.equal(ciphertext.length, message.length + padding)
        assert.deepEqual(key.aeadDecrypt({ ciphertext, tag, nonce, aad }), message)
        const together = { ciphertext: encrypted.ciphertextWithTag, nonce, aad }
        assert.deepEqual(key.aeadDecrypt(together), message)
        assert.throws(
          () => key.aeadDecrypt({ ciphertext, tag, nonce, aad: utf8('forged') }),
          askarError(codes.encryption),
        )
        const given = key.aeadRandomNonce
        assert.deepEqual(key.aeadEncrypt({ message, nonce: given }).nonce, given)
      })
    }

    test('a box opens for whom it is, and a seal without a sender', () => {
      const [alice, bob, eve] = [1, 2, 3].map(() => Key.generate(Algorithm.X25519)) as [Key, Key, Key]
      const message = new Uint8Array(randomBytes(1000))
      const nonce = CryptoBox.randomNonce()
      assert.equal(nonce.length, 24)
      const box = CryptoBox.cryptoBox({ recipientKey: bob, senderKey: alice, message, nonce })
      assert.deepEqual(CryptoBox.open({ recipientKey: bob, senderKey: alice, message: box, nonce }), message)
      assert.throws(
        () => CryptoBox.open({ recipientKey: eve, senderKey: alice, message: box, nonce }),
        askarError(codes.encryption),
      )
      const ciphertext = CryptoBox.seal({ recipientKey: bob, message })
      assert.deepEqual(CryptoBox.sealOpen({ recipientKey: bob, ciphertext }), message)
      assert.throws(() => CryptoBox.sealOpen({ recipientKey: eve, ciphertext }), askarError(codes.encryption))
    })

    test('a key is wrapped and unwrapped', () => {
      const wrapping = Key.generate(Algorithm.AesA256Kw)
      const key = Key.generate(Algorithm.AesA256Gcm)
      const { ciphertext, tag, nonce } = wrapping.wrapKey({ other: key }).parts
      const unwrapped = wrapping.unwrapKey({ algorithm: Algorithm.AesA256Gcm, ciphertext, tag, nonce })
      assert.deepEqual(unwrapped.secretBytes, key.secretBytes)
    })

    test('ECDH-ES derives the key of RFC 7518, appendix C', () => {
      const alice = Jwk.fromJson({
        kty: 'EC',
        crv: 'P-256',
        x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0',
        y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps',
        d: '0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo',
      })
      const bob = Jwk.fromJson({
        kty: 'EC',
        crv: 'P-256',
        x: 'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ',
        y: 'e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck',
      })
      const derived = shared.askar.keyDeriveEcdhEs({
        algorithm: Algorithm.AesA128Gcm,
        ephemeralKey: Key.fromJwk({ jwk: alice }),
        recipientKey: Key.fromJwk({ jwk: bob }),
        algId: utf8('A128GCM'),
        apu: utf8('Alice'),
        apv: utf8('Bob'),
        receive: false,
      })
      assert.deepEqual(new Key(derived).secretBytes, base64url('VqqN6vgjbSBcIijNcacQGg'))
    })

    test('ECDH-1PU wraps a key from a known sender', () => {
      const [ephemeralKey, senderKey, recipientKey] = [1, 2, 3].map(() => Key.generate(Algorithm.X25519)) as [
        Key,
        Key,
        Key,
      ]
      const sealing = new shared.Ecdh1PU({ algId: utf8('ECDH-1PU+A256KW'), apu: utf8('a'), apv: utf8('b') })
      const cek = Key.generate(Algorithm.AesA256CbcHs512)
      const parties = { keyWrappingAlgorithm: Algorithm.AesA256Kw, ephemeralKey, senderKey, recipientKey }
      const ccTag = new Uint8Array(randomBytes(32))
      const { ciphertext } = sealing.senderWrapKey({ ...parties, cek, ccTag })
      const encryptionAlgorithm = Algorithm.AesA256CbcHs512
      const opened = sealing.receiverUnwrapKey({ ...parties, encryptionAlgorithm, ciphertext, ccTag })
      assert.deepEqual(opened.secretBytes, cek.secretBytes)
      assert.throws(
        () => sealing.receiverUnwrapKey({ ...parties, encryptionAlgorithm, ciphertext, ccTag: new Uint8Array(32) }),
        askarError(codes.encryption),
      )
    })

    test('a password gives the same key each time', () => {
      const derive = (password: string) =>
        shared.Argon2.derivePassword(shared.Argon2Parameters.Interactive, utf8(password), utf8('a salt of 16 ch.'))
      assert.equal(derive('secret').length, 32)
      assert.deepEqual(derive('secret'), derive('secret'))
      assert.notDeepEqual(derive('secret'), derive('other'))
    })

    test('a raw store key is made at random, or from a seed', () => {
      const seed = utf8('testseed000000000000000000000001')
      assert.equal(shared.Store.generateRawKey(seed), shared.Store.generateRawKey(seed))
      assert.notEqual(shared.Store.generateRawKey(), shared.Store.generateRawKey())
    })
  })

  describe('stored keys', () => {
    let made: TestStore
    before(async () => {
      made = await createStore('sqlite')
    })
    after(() => made[Symbol.asyncDispose]())
    const withSession = <Result>(work: (session: Session) => Promise<Result>) => inSession(made.store, work)

    test('a key is inserted, fetched, updated and removed', async () => {
      const key = Key.fromJwk({ jwk: Jwk.fromJson(rfc8037.jwk) })
      await withSession(async (session) => {
        await session.insertKey({ name: 'mine', key, metadata: 'méta', tags: { use: 'sign' } })
        await assert.rejects(session.insertKey({ name: 'mine', key }), askarError(codes.duplicate))
        const found = await session.fetchKey({ name: 'mine' })
        assert.equal(found?.algorithm, Algorithm.Ed25519)
        assert.equal(found?.metadata, 'méta')
        assert.deepEqual(found?.tags, { use: 'sign' })
        assert.deepEqual(found?.key.secretBytes, key.secretBytes)
        await session.updateKey({ name: 'mine', metadata: 'new', tags: { use: 'other' } })
        assert.equal((await session.fetchKey({ name: 'mine' }))?.metadata, 'new')
        await session.removeKey({ name: 'mine' })
        assert.equal(await session.fetchKey({ name: 'mine' }), null)
        await assert.rejects(session.removeKey({ name: 'mine' }), askarError(codes.notFound))
      })
    })

    test('keys are found by algorithm, thumbprint and tags', async () => {
      await withSession(async (session) => {
        const [first, second] = [Key.generate(Algorithm.Ed25519), Key.generate(Algorithm.EcSecp256r1)]
        await session.insertKey({ name: 'first', key: first, tags: { owner: 'a' } })
        await session.insertKey({ name: 'second', key: second })
        const names = async (options: Parameters<Session['fetchAllKeys']>[0]) =>
          (await session.fetchAllKeys(options)).map(({ name }) => name).sort()
        assert.deepEqual(await names({}), ['first', 'second'])
        assert.deepEqual(await names({ algorithm: Algorithm.EcSecp256r1 }), ['second'])
        assert.deepEqual(await names({ thumbprint: first.jwkThumbprint }), ['first'])
        assert.deepEqual(await names({ tagFilter: { owner: 'a' } }), ['first'])
        assert.deepEqual(await names({ tagFilter: { owner: 'b' } }), [])
        assert.equal((await session.fetchAllKeys({ limit: 1 })).length, 1)
      })
    })
  })
}

type Key = import('@openwallet-foundation/askar-shared').Key
