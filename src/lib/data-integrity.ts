import { createPublicKey, verify } from 'node:crypto'
import { base58Encode } from './base58.js'
import { canonicalize } from './canonical-json.js'
import { sha256 } from './ids.js'
import { base58btc, keyOfMultikey } from './multibase.js'

/** A Data Integrity proof (W3C) of the cryptosuite eddsa-jcs-2022, by an Ed25519 key. */
export interface DataIntegrityProof {
  type: 'DataIntegrityProof'
  cryptosuite: 'eddsa-jcs-2022'
  verificationMethod: string
  proofPurpose: string
  created?: string
  proofValue: string
}

/** Signs bytes with an Ed25519 key. */
export type Sign = (data: Uint8Array) => Promise<Uint8Array>

const SUITE = { type: 'DataIntegrityProof', cryptosuite: 'eddsa-jcs-2022' } as const

/** Makes the proof of a document that has none. */
export async function proofFor(
  document: object,
  options: { verificationMethod: string; proofPurpose: string; created?: string },
  sign: Sign,
): Promise<DataIntegrityProof> {
  const proof = { ...SUITE, ...options }
  const proofValue = `z${base58Encode(await sign(signedBytes(document, proof)))}`
  return { ...proof, proofValue }
}

/** Whether `proof` is one of this suite, for this document, by this key. */
export function isProofOf(document: object, proof: DataIntegrityProof, multikey: string): boolean {
  const { proofValue, ...options } = proof
  if (options.type !== SUITE.type || options.cryptosuite !== SUITE.cryptosuite) return false
  try {
    const x = Buffer.from(keyOfMultikey(multikey)).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, signedBytes(document, options), key, base58btc(proofValue, 128))
  } catch {
    return false
  }
}

const signedBytes = (document: object, options: object) =>
  Buffer.concat([sha256(canonicalize(options)), sha256(canonicalize(document))])
