import {
  type DidCommInboundMessageContext,
  type DidCommMessageHandler,
  DidCommProblemReportMessage,
  IsValidMessageType,
  parseMessageType,
} from '@credo-ts/didcomm'
import { currentUnit, type Unit } from '../storage/unit.js'
import { WalletOwner } from './ports.js'

/** What another agent could not do. */
export interface ProblemReport {
  unit: Unit
  owner: WalletOwner
  connectionId: string
  /** The thread that it speaks of. */
  threadId: string
  code: string | null
  description: string | null
}

/** A problem report by the type that Aries RFC 0035 names; the field's agents send the one of `notification`. */
class ReportProblemMessage extends DidCommProblemReportMessage {
  static override readonly type = parseMessageType('https://didcomm.org/report-problem/1.0/problem-report')

  @IsValidMessageType(ReportProblemMessage.type)
  override readonly type = ReportProblemMessage.type.messageTypeUri
}

/** Takes problem reports (Aries RFC 0035) that belong to no protocol's own; Credo has nobody for them. */
export class ProblemReportHandler implements DidCommMessageHandler {
  readonly supportedMessages = [DidCommProblemReportMessage, ReportProblemMessage]

  constructor(private readonly reported: (report: ProblemReport) => void) {}

  async handle({ agentContext, message, connection }: DidCommInboundMessageContext): Promise<undefined> {
    const unit = currentUnit()
    if (!unit || !connection || !agentContext.dependencyManager.isRegistered(WalletOwner)) return
    const { description, thread, threadId } = message as DidCommProblemReportMessage
    const { code, en } = (description ?? {}) as { code?: unknown; en?: unknown }
    this.reported({
      unit,
      owner: agentContext.resolve(WalletOwner),
      connectionId: connection.id,
      // What is reported in another protocol's name is the parent of the report's own thread.
      threadId: thread?.parentThreadId ?? threadId,
      code: textOf(code),
      description: textOf(en),
    })
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null)
