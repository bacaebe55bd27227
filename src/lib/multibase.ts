import { base58Decode, base58Encode } from './base58.js'
import { canonicalize } from './canonical-json.js'
import { sha256 } from './ids.js'

/** Multicodec of an Ed25519 public key. */
const ED25519 = [0xed, 0x01]
/** Multihash of SHA-256: its code, and the length of the digest. */
const SHA_256 = [0x12, 32]

/** The SHA-256 multihash of text, as base58btc without the multibase letter. */
export function multihash(text: string): string {
  return base58Encode(Buffer.concat([Buffer.from(SHA_256), sha256(text)]))
}

/** The multihash of a JSON value in its canonical form (JCS, RFC 8785). */
export function jsonHash(value: unknown): string {
  return multihash(canonicalize(value))
}

/** An Ed25519 public key as a Multikey. */
export function multikeyOf(publicKey: Uint8Array): string {
  return `z${base58Encode(Buffer.concat([Buffer.from(ED25519), publicKey]))}`
}

/** The Ed25519 public key of a Multikey. @throws SyntaxError */
export function keyOfMultikey(multikey: string): Uint8Array {
  const bytes = base58btc(multikey, 64)
  if (bytes.length !== 34 || bytes[0] !== ED25519[0] || bytes[1] !== ED25519[1]) throw new SyntaxError('Not Ed25519')
  return bytes.subarray(2)
}

/** The bytes of multibase text in base58btc, at most `max` characters long. @throws SyntaxError */
export function base58btc(text: string, max: number): Uint8Array {
  if (text[0] !== 'z' || text.length > max) throw new SyntaxError('Not base58btc')
  return base58Decode(text.slice(1))
}
