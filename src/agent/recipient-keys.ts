import { base58Decode, base58Encode } from '../lib/base58.js'
import type { Tags } from '../storage/entry.js'

/** Multicodec of an Ed25519 public key, as it begins a did:key fingerprint. */
const ED25519 = [0xed, 0x01]

/**
 * The recipient keys (base58 of an Ed25519 public key, as in an envelope's `kid`) among the fingerprints that a record
 * is tagged with. Keys of other kinds cannot be named by an envelope of DIDComm v1.
 */
export function keysOfFingerprints(tags: Tags, name: string): string[] {
  const prefix = `${name}:`
  return keysOf(Object.keys(tags).flatMap((tag) => (tag.startsWith(prefix) ? [tag.slice(prefix.length)] : [])))
}

/** The recipient keys of a DID record: those of a DID of the wallet's own. */
export function keysOfDid(record: Record<string, unknown>, tags: Tags): string[] {
  return record['role'] === 'created' ? keysOfFingerprints(tags, 'recipientKeyFingerprints') : []
}

/** The recipient keys of an out-of-band record: those of an invitation that the wallet made, and of its exchange. */
export function keysOfInvitation(record: Record<string, unknown>, tags: Tags): string[] {
  const own = record['role'] === 'sender' ? keysOfFingerprints(tags, 'recipientKeyFingerprints') : []
  return [...own, ...keyOfExchange(tags)]
}

/** The key by which this side of an exchange without connection is answered. */
export function keyOfExchange({ recipientRoutingKeyFingerprint: own }: Tags): string[] {
  return typeof own === 'string' ? keysOf([own]) : []
}

/** The recipient keys among fingerprints. */
export function keysOf(fingerprints: readonly string[]): string[] {
  return fingerprints.flatMap((fingerprint) => {
    if (!fingerprint.startsWith('z')) return []
    const bytes = base58Decode(fingerprint.slice(1))
    return bytes[0] === ED25519[0] && bytes[1] === ED25519[1] ? [base58Encode(bytes.subarray(2))] : []
  })
}
