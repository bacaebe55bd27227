import { createHmac, createPublicKey, createSecretKey, type KeyObject, subtle, type webcrypto } from 'node:crypto'
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { openKey, sealKey } from './sealed-key.js'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

interface Ed25519Key {
  /** Its thumbprint (RFC 7638). */
  kid: string
  publicKey: KeyObject
}

/**
 * What tenant tokens are signed and verified with: secrets (HS256) and, where they are set up, Ed25519 keys (EdDSA, RFC
 * 8037), which then sign. A key looks only at tokens of its own algorithm, so none can be passed off as another kind.
 */
export class TokenKeys {
  private constructor(
    private readonly secrets: readonly KeyObject[],
    /** The same as the library needs them: it would convert others for each token. */
    private readonly hmacKeys: readonly webcrypto.CryptoKey[],
    private readonly signer: { key: KeyObject; kid: string } | undefined,
    private readonly ed25519: readonly Ed25519Key[],
    /** The public keys (RFC 7517) for whoever else verifies tokens; undefined while secrets sign. */
    readonly jwks: { keys: JWK[] } | undefined,
  ) {}

  /** The first of each kind signs, all verify. */
  static async create(secrets: readonly Uint8Array[], signingKeys: readonly KeyObject[]): Promise<TokenKeys> {
    const published = await Promise.all(signingKeys.map(publish))
    const [key] = signingKeys
    const kid = published[0]?.kid
    return new TokenKeys(
      secrets.map((secret) => createSecretKey(secret)),
      await Promise.all(secrets.map((secret) => subtle.importKey('raw', secret, HMAC, false, ['sign', 'verify']))),
      key && kid ? { key, kid } : undefined,
      published,
      key && { keys: published.map(({ jwk }) => jwk) },
    )
  }

  /** The same text each time for the same claims. */
  async sign(claims: JWTPayload): Promise<string> {
    if (!this.signer) return signHs256(claims, this.secrets[0] as KeyObject)
    const { key, kid } = this.signer
    return new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' }).sign(key)
  }

  /** @returns the claims; undefined for a token that none of the keys has signed, or that has expired */
  async verify(jwt: string): Promise<JWTPayload | undefined> {
    const { alg, keys } = this.candidates(jwt)
    for (const key of keys) {
      const verified = await jwtVerify(jwt, key, { algorithms: [alg], requiredClaims: ['sub', 'jti', 'iat'] }).catch(
        () => undefined,
      )
      if (verified) return verified.payload
    }
    return undefined
  }

  /** Seals the key of a wallet into a token. */
  seal(tokenId: string, walletKey: string): Promise<string> {
    return sealKey(this.secrets, tokenId, walletKey)
  }

  open(tokenId: string, sealedKey: string): Promise<string | undefined> {
    return openKey(this.secrets, tokenId, sealedKey)
  }

  private candidates(jwt: string): { alg: string; keys: readonly (KeyObject | webcrypto.CryptoKey)[] } {
    const { alg, kid } = headerOf(jwt)
    if (alg === 'HS256') return { alg, keys: this.hmacKeys }
    const known = this.ed25519.find((key) => key.kid === kid)
    return { alg: 'EdDSA', keys: known ? [known.publicKey] : [] }
  }
}

const HS256_HEADER = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url')

/**
 * A JWS in its compact form (RFC 7515, 7.1). The library signs by a job on another thread, which takes ten times what the
 * signature itself does, for each token.
 */
function signHs256(claims: JWTPayload, secret: KeyObject): string {
  const input = `${HS256_HEADER}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

async function publish(key: KeyObject): Promise<Ed25519Key & { jwk: JWK }> {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const { kty, crv, x } = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint({ kty, crv, x } as JWK)
  return { kid, publicKey, jwk: { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' } as JWK }
}

function headerOf(jwt: string): { alg?: string; kid?: string } {
  try {
    return decodeProtectedHeader(jwt)
  } catch {
    return {}
  }
}
