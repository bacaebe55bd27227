/** A ledger could not be read, or refused. `code` is the `ErrorCode` of Indy VDR, where it says one. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError'

  constructor(
    message: string,
    readonly code?: number,
  ) {
    super(message)
  }
}
