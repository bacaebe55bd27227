import { Arg, Args, Ctx, ID, Query, Resolver, Root, Subscription } from 'type-graphql'
import type { LoggedEvent, EventTopic as TopicName } from '../events/event.js'
import { ForOperatorOrWallet } from '../graphql/access.js'
import { EventTopic, EventType } from '../graphql/event.type.js'
import { PageArgs, pageType } from '../graphql/page.js'
import type { GraphContext, StreamArgs, Viewer } from '../graphql/viewer.js'
import { badInput } from '../lib/errors.js'
import type { Subscriptions } from '../tenants/subscriptions.js'
import type { EventService } from './event.service.js'

const EventPage = pageType(() => EventType as never, 'Event')

const TENANT_IDS = '(operator; from a tenant BAD_USER_INPUT) Only of these tenants.'

@Resolver()
export class EventResolver {
  constructor(private readonly service: EventService) {}

  @ForOperatorOrWallet('READ', 'READ')
  @Query(() => EventPage, {
    description: '(tenant; operator: the base stream) The same events that the subscription streams, as pages.',
  })
  events(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { viewer }: GraphContext,
    @Arg('topics', () => [EventTopic], { nullable: true, description: 'Only of these topics.' }) topics?: TopicName[],
    @Arg('tenantIds', () => [ID], { nullable: true, description: TENANT_IDS }) tenantIds?: string[],
  ) {
    assertTenantIds(viewer, tenantIds)
    return this.service.page(tenantOf(viewer), args, { topics, tenantIds })
  }

  @ForOperatorOrWallet('READ', 'READ')
  @Subscription(() => EventType, {
    name: 'events',
    subscribe: async ({ args, context }) => {
      const { openStream } = context as GraphContext
      if (!openStream) throw badInput('Subscribe over graphql-ws or SSE.')
      return openStream(args as StreamArgs, context as GraphContext)
    },
    description:
      '(tenant) Its own stream. (operator) The base stream: tenant lifecycle, and tenants that dispatch to BASE or BOTH. With `after`, it begins with what was missed since that cursor and goes on live, without gap or repeat; without it, at the moment the server takes the subscription.',
  })
  eventStream(
    @Root() event: LoggedEvent,
    @Ctx() { viewer }: GraphContext,
    @Arg('after', () => String, { nullable: true, description: 'The cursor of the last event that was seen.' })
    _after?: string,
    @Arg('topics', () => [EventTopic], { nullable: true, description: 'Only of these topics.' }) _topics?: TopicName[],
    @Arg('tenantIds', () => [ID], { nullable: true, description: TENANT_IDS }) _tenantIds?: string[],
  ) {
    return this.service.node(event, tenantOf(viewer))
  }
}

/** Opens a stream for a subscription; it has its place in the log when this resolves. */
export async function openEventStream(
  service: EventService,
  subscriptions: Subscriptions,
  args: StreamArgs,
  { viewer, guardStream }: GraphContext,
): Promise<AsyncIterableIterator<LoggedEvent>> {
  assertTenantIds(viewer, args.tenantIds)
  const tenantId = tenantOf(viewer)
  const filter = { topics: args.topics as TopicName[] | null | undefined, tenantIds: args.tenantIds }
  const giveBack = tenantId === undefined ? () => {} : await subscriptions.take(tenantId)
  const { events, end } = await service.open(tenantId, args.after, filter).catch((error) => {
    giveBack()
    throw error
  })
  const release = guardStream?.(end)
  const close = () => {
    giveBack()
    release?.()
    end()
  }
  const stream: AsyncIterableIterator<LoggedEvent, void, undefined> = {
    async next() {
      try {
        const result = await events.next()
        if (result.done) close()
        return result
      } catch (error) {
        close()
        throw error
      }
    },
    // A generator that was never started would not run its own end.
    async return() {
      close()
      return events.return()
    },
    [Symbol.asyncIterator]: () => stream,
  }
  return stream
}

const tenantOf = (viewer: Viewer) => (viewer.role === 'TENANT' ? viewer.tenantId : undefined)

function assertTenantIds(viewer: Viewer, tenantIds: string[] | null | undefined): void {
  if (viewer.role === 'TENANT' && tenantIds != null) throw badInput('Only the operator chooses tenants.', 'tenantIds')
}
