import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { calculateJwkThumbprint, createRemoteJWKSet, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { ConfigError } from '../../src/config/config-error.js'
import { signingKeysOf } from '../../src/config/signing-keys.js'
import { ApiClient, makeTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { tempDir } from '../support/services.js'
import { createToken, isHeld } from './token-api.js'

const newKey = () => generateKeyPairSync('ed25519').privateKey
const pemOf = (key: KeyObject) =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }) as string
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })

describe('keys that sign tokens', () => {
  test('are read as PEM and as JSON Web Keys, private and public', () => {
    const [first, second] = [newKey(), createPublicKey(newKey())]
    const texts = [
      `${pemOf(first)}${pemOf(second)}`,
      JSON.stringify({ keys: [jwkOf(first), jwkOf(second)] }),
      `${pemOf(first)}\n\n${pemOf(second)}`.trimEnd(),
    ]
    for (const text of texts) {
      const keys = signingKeysOf(text)
      assert.ok(keys[0]?.equals(first) && keys[1]?.equals(second) && keys.length === 2)
    }
    assert.ok(signingKeysOf(JSON.stringify(jwkOf(first)))[0]?.equals(first))
  })

  test('are refused in one line that shows none of them where they are wrong', () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const wrong = {
      garbage: 'MARK'.repeat(20),
      'half a block': pemOf(newKey()).slice(0, 60),
      'no key': '{"keys": []}',
      'no JSON': '{"keys": MARK',
      'another curve': pemOf(p256),
      'another curve as JWK': JSON.stringify(jwkOf(p256)),
      'a public key first': pemOf(createPublicKey(newKey())),
      'a secret': JSON.stringify({ kty: 'oct', k: 'MARK' }),
    }
    for (const [what, text] of Object.entries(wrong)) {
      assert.throws(
        () => signingKeysOf(text),
        (error) =>
          error instanceof ConfigError &&
          /^JWT_SIGNING_KEYS: [^\n]+$/.test(error.message) &&
          !error.message.includes('MARK'),
        what,
      )
    }
  })

  test('make tokens that others verify by the published keys, while tokens of the secret go on holding', async () => {
    const store = await freshStore('sqlite')
    const folder = tempDir()
    let gateway = await startGateway(store)
    try {
      assert.equal((await fetch(`${gateway.url}/.well-known/jwks.json`)).status, 404)
      const acme = await makeTenant(gateway.url)
      const before = acme.client.credentials.token as string
      assert.equal(decodeProtectedHeader(before).alg, 'HS256')

      const [first, second] = [newKey(), newKey()]
      gateway = await restart(gateway, store, { JWT_SIGNING_KEYS_FILE: keyFile(folder.path, [first]) })
      const operator = ApiClient.operator(gateway.url)
      const made = await createToken(operator, { tenantId: acme.id, name: 'asymmetric' })
      const kid = await calculateJwkThumbprint(jwkOf(first) as never)
      assert.deepEqual(decodeProtectedHeader(made.token), { alg: 'EdDSA', kid, typ: 'JWT' })
      await holdsAt(gateway, before, made.token)
      const { payload } = await jwtVerify(made.token, publishedKeys(gateway))
      assert.equal(payload.sub, acme.id)
      assert.equal(payload.jti, made.info.id)

      // The next key signs, and the one before is still there for what it signed: its public half is enough.
      gateway = await restart(gateway, store, {
        JWT_SIGNING_KEYS_FILE: keyFile(folder.path, [second, createPublicKey(first)]),
      })
      const next = await createToken(ApiClient.operator(gateway.url), { tenantId: acme.id, name: 'rotated' })
      assert.equal(decodeProtectedHeader(next.token).kid, await calculateJwkThumbprint(jwkOf(second) as never))
      await holdsAt(gateway, before, made.token, next.token)
      await jwtVerify(made.token, publishedKeys(gateway))
      await jwtVerify(next.token, publishedKeys(gateway))

      // Once it is gone, so are its tokens.
      gateway = await restart(gateway, store, { JWT_SIGNING_KEYS_FILE: keyFile(folder.path, [second]) })
      await holdsAt(gateway, before, next.token)
      assert.equal(await isHeld(new ApiClient(gateway.url, { token: made.token })), false)
    } finally {
      await gateway.stop()
      await store.remove()
      folder.remove()
    }
  })
})

describe('a key that signs tokens', () => {
  const key = newKey()
  let store: TestStore
  let gateway: TestGateway

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store, { JWT_SIGNING_KEYS: JSON.stringify(jwkOf(key)) })
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  test('is published with what caches need, and nothing of the private half', async () => {
    const url = `${gateway.url}/.well-known/jwks.json`
    const response = await fetch(url, { headers: { origin: 'https://any.example' } })
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^application\/jwk-set\+json/)
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300')
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    const text = await response.text()
    const { kty, crv, x, d } = jwkOf(key)
    const kid = await calculateJwkThumbprint({ kty, crv, x } as never)
    assert.deepEqual(JSON.parse(text), { keys: [{ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }] })
    assert.equal(text.includes(d as string), false)
    const condition = { 'if-none-match': response.headers.get('etag') as string, 'cache-control': 'max-age=0' }
    const again = await fetch(url, { headers: condition })
    assert.equal(again.status, 304)
  })

  test('is taken for no other kind of key than it is', async () => {
    const foreign = newKey()
    const acme = await makeTenant(gateway.url)
    const token = acme.client.credentials.token as string
    const { keys } = (await (await fetch(`${gateway.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string; x: string }[]
    }
    const [{ kid, x }] = keys as [{ kid: string; x: string }]
    const [, claims] = token.split('.') as [string, string]
    const payload = JSON.parse(Buffer.from(claims, 'base64url').toString())
    const withHeader = (header: object) => `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}`
    const hmac = (text: string, secret: string | Buffer) =>
      `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
    const publicKey = createPublicKey(key)
    const forged: Record<string, string> = {
      'HS256 by the public key in PEM': hmac(withHeader({ alg: 'HS256', kid }), pemOf(publicKey)),
      'HS256 by its bytes': hmac(withHeader({ alg: 'HS256', kid }), Buffer.from(x, 'base64url')),
      'HS256 by its JWK': hmac(withHeader({ alg: 'HS256', kid }), JSON.stringify(keys[0])),
      none: `${withHeader({ alg: 'none', kid })}.`,
      'none with the signature': `${withHeader({ alg: 'none', kid })}.${token.split('.')[2]}`,
      'another key by the known kid': await signed({ alg: 'EdDSA', kid }, foreign),
      'another key by its own kid': await signed({ alg: 'EdDSA', kid: await thumbprint(foreign) }, foreign),
      'another key in the header': await signed({ alg: 'EdDSA', kid, jwk: jwkOf(createPublicKey(foreign)) }, foreign),
      'the right key without a kid': await signed({ alg: 'EdDSA' }, key),
    }
    function signed(header: { alg: string; [name: string]: unknown }, by: KeyObject): Promise<string> {
      return new SignJWT(payload).setProtectedHeader(header as never).sign(by)
    }
    for (const [what, forgery] of Object.entries(forged)) {
      assert.equal(await isHeld(new ApiClient(gateway.url, { token: forgery })), false, what)
    }
    // What they were made of holds.
    assert.equal(await isHeld(new ApiClient(gateway.url, { token: await signed({ alg: 'EdDSA', kid }, key) })), true)
  })
})

const thumbprint = (key: KeyObject) => calculateJwkThumbprint(jwkOf(createPublicKey(key)) as never)
const publishedKeys = ({ url }: TestGateway) => createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`))

async function restart(gateway: TestGateway, store: TestStore, env: Record<string, string>): Promise<TestGateway> {
  await gateway.stop()
  return startGateway(store, env)
}

function keyFile(folder: string, keys: KeyObject[]): string {
  const path = join(folder, 'signing-keys.pem')
  writeFileSync(path, keys.map(pemOf).join(''))
  return path
}

async function holdsAt({ url }: TestGateway, ...tokens: string[]): Promise<void> {
  for (const token of tokens) assert.equal(await isHeld(new ApiClient(url, { token })), true)
}
