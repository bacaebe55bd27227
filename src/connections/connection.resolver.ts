import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { recordOf } from '../tenants/wallet-reader.js'
import { ConnectionFilter } from './connection.input.js'
import type { ConnectionService } from './connection.service.js'
import { ConnectionPage, ConnectionPayload, ConnectionType, SendPingPayload } from './connection.type.js'
import { connectionView } from './connection.view.js'
import { DeletePayload } from './invitation.type.js'

@Resolver()
export class ConnectionResolver {
  constructor(private readonly service: ConnectionService) {}

  @ForTenant('READ')
  @Query(() => ConnectionType, { nullable: true, description: '(tenant) A connection by its id.' })
  connection(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: GraphContext,
  ): Promise<ConnectionType | undefined> {
    return this.service.find(tenantIdOf(context), id)
  }

  @ForTenant('READ')
  @Query(() => ConnectionPage, { description: '(tenant) Its connections, oldest first.' })
  connections(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('filter', () => ConnectionFilter, { nullable: true, description: 'Which of them.' }) filter?: ConnectionFilter,
  ) {
    return listPage(
      args,
      'connections',
      (query) => this.service.list(tenantIdOf(context), filter ?? {}, query),
      ({ entry }) => connectionView(recordOf(entry)),
    )
  }

  @ForTenant('WRITE')
  @Mutation(() => ConnectionPayload, {
    description: '(tenant) Accepts a request that was not to be accepted by itself.',
  })
  async acceptConnectionRequest(
    @Arg('connectionId', () => ID, { description: 'In state REQUEST_RECEIVED.' }) connectionId: string,
    @Ctx() context: GraphContext,
  ): Promise<ConnectionPayload> {
    return { connection: await this.service.acceptRequest(tenantIdOf(context), connectionId) }
  }

  @ForTenant('WRITE')
  @Mutation(() => ConnectionPayload, {
    description: '(tenant) Accepts a response that was not to be accepted by itself.',
  })
  async acceptConnectionResponse(
    @Arg('connectionId', () => ID, { description: 'In state RESPONSE_RECEIVED.' }) connectionId: string,
    @Ctx() context: GraphContext,
  ): Promise<ConnectionPayload> {
    return { connection: await this.service.acceptResponse(tenantIdOf(context), connectionId) }
  }

  @ForTenant('WRITE')
  @Mutation(() => DeletePayload, { description: '(tenant) Forgets a connection. The other agent is not told.' })
  async deleteConnection(
    @Arg('connectionId', () => ID, { description: 'The connection to forget.' }) connectionId: string,
    @Ctx() context: GraphContext,
  ): Promise<DeletePayload> {
    await this.service.delete(tenantIdOf(context), connectionId)
    return { deletedId: connectionId }
  }

  @ForTenant('WRITE')
  @Mutation(() => SendPingPayload, {
    description: '(tenant) Asks the other agent whether it is there; a PingEvent tells the answer.',
  })
  sendPing(
    @Arg('connectionId', () => ID, { description: 'In state COMPLETED.' }) connectionId: string,
    @Ctx() context: GraphContext,
  ): Promise<SendPingPayload> {
    return this.service.sendPing(tenantIdOf(context), connectionId)
  }
}
