/** What a ledger is asked or told: an `operation` as nodes take it. */
export type Operation = { readonly type: string } & Readonly<Record<string, unknown>>

/** How an author accepts a ledger's transaction author agreement. */
export interface Acceptance {
  /** Digest of its version and text, as the ledger has it. */
  taaDigest: string
  /** One of those that the ledger names. */
  mechanism: string
  /** Seconds since the epoch, at the beginning of a day. */
  time: number
}

/** A request that is to be written to a ledger, by the DID `identifier`. */
export interface WriteRequest {
  operation: Operation
  identifier: string
  protocolVersion: 2
  reqId: number
  taaAcceptance?: Acceptance
  /** Base58 of the author's Ed25519 signature. */
  signature?: string
}

/** What the gateway asks the process that talks to ledgers: keys never leave the gateway. */
export type AskMessage = { id: number } & (
  | {
      ask: 'READ'
      /** Genesis transactions of the network. */
      genesis: string
      operation: Operation
    }
  | { ask: 'SIGNATURE_INPUT'; request: WriteRequest }
  | { ask: 'WRITE'; genesis: string; request: WriteRequest }
)

/** The `result` of the ledger's reply (`{ input }` for a signature's), or why there is none. */
export type ReplyMessage = { id: number } & (
  | { result: Record<string, unknown> }
  | { error: { message: string; code?: number } }
)
