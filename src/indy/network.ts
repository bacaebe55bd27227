/** An Indy network. */
export interface IndyNetwork {
  /** As it stands in `did:indy:<namespace>:…`. */
  readonly namespace: string
  /** Its genesis transactions: the absolute path of a file, or a URL. */
  readonly genesis: string
  /** Whether a DID without a namespace that several networks have is its, before networks for tests. */
  readonly isProduction: boolean
  /** The transaction author agreement that is accepted for all who write to it. Without, only what takes none is written. */
  readonly transactionAuthorAgreement?: AcceptedAgreement | undefined
}

export interface AcceptedAgreement {
  readonly version: string
  /** One of the mechanisms that the ledger names, such as `at_submission`. */
  readonly acceptanceMechanism: string
}

/** Whether a text is genesis transactions: a JSON object a line, each of a node. */
export function isGenesis(text: string): boolean {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.length > 0 && lines.every(isNodeTransaction)
}

function isNodeTransaction(line: string): boolean {
  try {
    return (JSON.parse(line) as { txn?: { type?: unknown } } | null)?.txn?.type === '0'
  } catch {
    return false
  }
}
