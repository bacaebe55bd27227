import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { checkOptional, checkText } from '../lib/text.js'
import { recordOf } from '../tenants/wallet-reader.js'
import type { MessageService } from './message.service.js'
import { BasicMessagePage, SendBasicMessageInput, SendBasicMessagePayload } from './message.type.js'
import { messageView } from './message.view.js'

@Resolver()
export class MessageResolver {
  constructor(private readonly service: MessageService) {}

  @ForTenant('READ', 'MESSAGES')
  @Query(() => BasicMessagePage, { description: '(tenant) Basic messages sent and received, oldest first.' })
  basicMessages(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('connectionId', () => ID, { nullable: true, description: 'Only of this connection.' }) connectionId?: string,
  ) {
    return listPage(
      args,
      'messages',
      (query) => this.service.list(tenantIdOf(context), connectionId, query),
      ({ entry }) => messageView(recordOf(entry)),
    )
  }

  @ForTenant('WRITE', 'MESSAGES')
  @Mutation(() => SendBasicMessagePayload, {
    description:
      '(tenant) Sends a text. Done when the message is in the durable outbox. Messages of one connection leave in the order they were taken; a delivery given up is told by an event.',
  })
  async sendBasicMessage(
    @Arg('input', () => SendBasicMessageInput, { description: 'The text, and where it goes.' })
    input: SendBasicMessageInput,
    @Ctx() context: GraphContext,
  ): Promise<SendBasicMessagePayload> {
    checkText(input.content, 'input.content', { max: 100_000, lines: true })
    checkOptional(input.parentThreadId, 'input.parentThreadId')
    checkOptional(input.idempotencyKey, 'input.idempotencyKey')
    return { message: await this.service.send(tenantIdOf(context), input) }
  }
}
