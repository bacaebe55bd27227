import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForOperator, ForOperatorOrWallet } from '../../graphql/access.js'
import { listPage } from '../../graphql/list-page.js'
import { PageArgs } from '../../graphql/page.js'
import type { GraphContext } from '../../graphql/viewer.js'
import { EndMediationPayload, MediatedAgentPage, MediatorInvitationPayload } from '../mediation.type.js'
import { walletOf } from '../wallet-of.js'
import type { MediatedService } from './mediated.service.js'
import { AGENTS_LIST } from './mediated-agents.js'

/** Agents that the base wallet mediates for, for the operator, and those of a tenant's own wallet. */
@Resolver()
export class MediatedResolver {
  constructor(private readonly mediated: MediatedService) {}

  @ForOperatorOrWallet('READ', 'READ', 'MEDIATION')
  @Query(() => MediatedAgentPage, {
    description: "(tenant) Agents outside that its wallet mediates for, oldest first. (operator) The base wallet's.",
  })
  mediatedAgents(@Args(() => PageArgs) args: PageArgs, @Ctx() context: GraphContext) {
    const wallet = walletOf(context)
    return listPage(
      args,
      AGENTS_LIST.list,
      (query) => this.mediated.list(wallet, query),
      (listed) => this.mediated.view(listed),
    )
  }

  @ForOperatorOrWallet('ALL', 'WRITE', 'MEDIATION')
  @Mutation(() => EndMediationPayload, {
    description:
      '(operator with ALL: for the base wallet; tenant: for itself) Takes back what an agent was granted: its keys, and what waits for it, go. The connection to it stays, but for the base wallet.',
  })
  async endMediation(
    @Arg('connectionId', () => ID, { description: 'The connection of the agent.' }) connectionId: string,
    @Ctx() context: GraphContext,
  ): Promise<EndMediationPayload> {
    await this.mediated.end(walletOf(context), connectionId)
    return { connectionId }
  }

  @ForOperator('ALL')
  @Mutation(() => MediatorInvitationPayload, {
    description:
      '(operator with ALL) Makes an invitation, for any number of agents outside, to be mediated for by the base wallet, which BASE_MEDIATES switches on.',
  })
  createMediatorInvitation(): Promise<MediatorInvitationPayload> {
    return this.mediated.invite()
  }
}
