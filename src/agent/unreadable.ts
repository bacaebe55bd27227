import { DidCommProblemReportError, DidCommProblemReportReason } from '@credo-ts/didcomm'

/** Thrown for a message that is not of its type's shape, once its sender has been told (Aries RFC 0035). */
export function isUnreadable(error: unknown): boolean {
  return (
    error instanceof DidCommProblemReportError &&
    error.problemReport.description?.code === DidCommProblemReportReason.MessageParseFailure
  )
}
