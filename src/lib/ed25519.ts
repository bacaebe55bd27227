import { createPrivateKey } from 'node:crypto'

/** What comes before the 32 bytes of a private key in PKCS#8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The key pair of a seed (RFC 8032: the private key itself), 32 bytes. */
export function ed25519Jwk(seed: Uint8Array): { kty: 'OKP'; crv: 'Ed25519'; x: string; d: string } {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const { x = '', d = '' } = key.export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, d }
}
