/** `PoolRequestFailed` of Indy VDR. */
const REFUSED = 31

/** A ledger could not be read, or refused. `code` is the `ErrorCode` of Indy VDR, where it says one. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError'

  constructor(
    message: string,
    readonly code?: number,
  ) {
    super(message)
  }

  /** What the ledger says where it refuses a request; undefined where it has not answered. */
  get refusal(): string | undefined {
    return this.code === REFUSED ? this.message.replace(/^Request failed: /, '') : undefined
  }
}
