import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import type { GraphContext } from '../graphql/viewer.js'
import { DiscoverFeaturesInput, DiscoverFeaturesPayload } from './discovery.type.js'
import type { PeerService } from './peer.service.js'
import { SendProblemReportInput, SendProblemReportPayload } from './problem-report.type.js'

/** What agents ask and tell each other about themselves. */
@Resolver()
export class PeerResolver {
  constructor(private readonly service: PeerService) {}

  @ForTenant('WRITE')
  @Mutation(() => DiscoverFeaturesPayload, {
    description: '(tenant) Asks the other agent what it can do; a DiscoveryEvent tells the answer.',
  })
  async discoverFeatures(
    @Arg('input', () => DiscoverFeaturesInput, { description: 'What to ask, and whom.' }) input: DiscoverFeaturesInput,
    @Ctx() context: GraphContext,
  ): Promise<DiscoverFeaturesPayload> {
    return { threadId: await this.service.discover(tenantIdOf(context), input) }
  }

  @ForTenant('WRITE')
  @Mutation(() => SendProblemReportPayload, {
    description:
      '(tenant) Tells the other agent that something went wrong. An exchange of this wallet is ended by declining or forgetting it.',
  })
  async sendProblemReport(
    @Arg('input', () => SendProblemReportInput, { description: 'What went wrong, and whom to tell.' })
    input: SendProblemReportInput,
    @Ctx() context: GraphContext,
  ): Promise<SendProblemReportPayload> {
    await this.service.report(tenantIdOf(context), input)
    return { threadId: input.threadId }
  }
}
