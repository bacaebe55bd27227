/** A JSON object. */
export type Json = Record<string, unknown>

/**
 * What a wallet has the gateway serve to the public. `version` counts the changes of a DID, from 1: what is older than
 * what is served already comes too late and changes nothing.
 */
export type Publication =
  | {
      kind: 'DID'
      did: string
      version: number
      document: Json
      /** did:webvh: the whole log, oldest entry first. */
      log?: Json[]
      /** did:webvh: what `did-witness.json` holds, where there are witnesses. */
      witnessed?: Json[]
      metadata?: Json
      deactivated?: boolean
      /** A DID that may stand at the path: it was published by an attempt that came to nothing. */
      replaces?: string
      /** Resources of the DID, signed anew, in the transaction that publishes its version. */
      resources?: SignedResource[]
    }
  | ({ kind: 'RESOURCE'; did: string; version: number } & SignedResource)
  /** An out-of-band invitation by a short id that nobody can guess; without `url` it is withdrawn. */
  | { kind: 'INVITATION'; id: string; url?: string }
  /** `hash`: base58 of the SHA-256 of the bytes, as AnonCreds has it. */
  | { kind: 'TAILS'; hash: string; bytes: Uint8Array }

/** Metadata of the record of a DID that the gateway hosts for the wallet; those that came along from elsewhere have none. */
export const HOSTED = 'tenantry/hosted'

/** An attested resource: its id within its DID, the multihash of its content, and the whole of it. */
export interface SignedResource {
  id: string
  body: Json & { content: unknown }
}

/** A DID as it is served. */
export interface HostedDid {
  did: string
  tenantId: string
  version: number
  document: Json
  log?: Json[]
  witnessed?: Json[]
  metadata: Json
  deactivated: boolean
}
