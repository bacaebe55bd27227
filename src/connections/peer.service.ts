import {
  DidCommConnectionService,
  DidCommDiscoverFeaturesV1Service,
  DidCommDiscoverFeaturesV2Service,
  type DidCommMessage,
  DidCommMessageSender,
  DidCommProblemReportMessage,
  getOutboundDidCommMessageContext,
} from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import { readyConnection } from '../agent/exchanges/steps.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { badInput } from '../lib/errors.js'
import { checkText } from '../lib/text.js'
import type { Sessions } from '../tenants/sessions.js'
import type { DiscoverFeaturesInput, FeatureQueryInput } from './discovery.type.js'
import type { SendProblemReportInput } from './problem-report.type.js'

const QUERIES_MAX = 20
const KINDS = { PROTOCOL: 'protocol', GOAL_CODE: 'goal-code', GOV_FW: 'gov-fw' } as const

/** What agents ask and tell each other about themselves, over a connection. */
export class PeerService {
  constructor(private readonly sessions: Sessions) {}

  /** Asks what the other agent can do. @returns the thread @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  discover(tenantId: string, { connectionId, queries, version }: DiscoverFeaturesInput): Promise<string> {
    checkQueries(queries, version)
    const asked = queries.map(({ kind, match }) => ({ featureType: KINDS[kind], match }))
    return this.sessions.transact(tenantId, async (agent) => {
      await readyConnection(agent, connectionId)
      const service =
        version === 'V1'
          ? agent.context.resolve(DidCommDiscoverFeaturesV1Service)
          : agent.context.resolve(DidCommDiscoverFeaturesV2Service)
      const { message } = await service.createQuery({ queries: asked })
      await send(agent, connectionId, message)
      return message.threadId
    })
  }

  /** Tells the other agent of a problem (Aries RFC 0035). @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  report(tenantId: string, { connectionId, threadId, code, description }: SendProblemReportInput): Promise<void> {
    checkText(threadId, 'input.threadId')
    checkText(code, 'input.code')
    checkText(description, 'input.description', { max: 10_000, lines: true })
    return this.sessions.transact(tenantId, async (agent) => {
      await readyConnection(agent, connectionId)
      const report = new DidCommProblemReportMessage({ description: { code, en: description } })
      report.setThread({ threadId })
      await send(agent, connectionId, report)
    })
  }
}

async function send({ context }: WalletAgent, connectionId: string, message: DidCommMessage): Promise<void> {
  const connectionRecord = await context.resolve(DidCommConnectionService).getById(context, connectionId)
  const outbound = await getOutboundDidCommMessageContext(context, { message, connectionRecord })
  await askAgent('connection', () => context.resolve(DidCommMessageSender).sendMessage(outbound))
}

function checkQueries(queries: readonly FeatureQueryInput[], version: 'V1' | 'V2'): void {
  const field = 'input.queries'
  if (queries.length < 1 || queries.length > QUERIES_MAX) throw badInput(`Give 1 to ${QUERIES_MAX} queries.`, field)
  for (const { match } of queries) checkText(match, field)
  const isOfV1 = queries.length === 1 && queries[0]?.kind === 'PROTOCOL'
  if (version === 'V1' && !isOfV1) throw badInput('V1 has one query, for protocols.', field)
}
