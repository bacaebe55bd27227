/** A read of a ledger: its `operation` as nodes take it. */
export type Operation = { readonly type: string } & Readonly<Record<string, unknown>>

/** What the gateway asks the process that talks to ledgers. */
export interface AskMessage {
  id: number
  /** Genesis transactions of the network. */
  genesis: string
  operation: Operation
}

/** The `result` of the ledger's reply, or why there is none. */
export type ReplyMessage = { id: number } & (
  | { result: Record<string, unknown> }
  | { error: { message: string; code?: number } }
)
