import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { checkOptional } from '../lib/text.js'
import { CreateInvitationInput, InvitationFilter, ReceiveInvitationInput } from './connection.input.js'
import type { InvitationService } from './invitation.service.js'
import {
  CreateInvitationPayload,
  DeletePayload,
  InvitationPage,
  InvitationType,
  ReceiveInvitationPayload,
} from './invitation.type.js'
import { QrCodes } from './qr-codes.js'

/** Longer URLs make a code that phones do not read. */
const SCANNED_MAX = 600
/** What a code costs, where a plain field costs 1: to draw it takes some milliseconds. */
const CODE_COST = 40

@Resolver(() => InvitationType)
export class InvitationResolver {
  private readonly codes = new QrCodes()

  constructor(private readonly service: InvitationService) {}

  @ForTenant('READ')
  @Query(() => InvitationType, { nullable: true, description: '(tenant) An invitation by its id.' })
  invitation(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: GraphContext,
  ): Promise<InvitationType | undefined> {
    return this.service.find(tenantIdOf(context), id)
  }

  @ForTenant('READ')
  @Query(() => InvitationPage, { description: '(tenant) Invitations made and received, oldest first.' })
  async invitations(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('filter', () => InvitationFilter, { nullable: true, description: 'Which of them.' }) filter?: InvitationFilter,
  ) {
    return listPage(
      args,
      'invitations',
      (query) => this.service.list(tenantIdOf(context), filter ?? {}, query),
      await this.service.viewOf(tenantIdOf(context)),
    )
  }

  @ForTenant('WRITE')
  @Mutation(() => CreateInvitationPayload, { description: '(tenant) Makes an invitation to connect.' })
  async createInvitation(
    @Arg('input', () => CreateInvitationInput, { description: 'What it shows, and how it is answered.' })
    input: CreateInvitationInput,
    @Ctx() context: GraphContext,
  ): Promise<CreateInvitationPayload> {
    for (const field of ['label', 'alias', 'goal', 'goalCode'] as const) checkOptional(input[field], `input.${field}`)
    return { invitation: await this.service.create(tenantIdOf(context), input) }
  }

  @ForTenant('WRITE')
  @Mutation(() => ReceiveInvitationPayload, {
    description: '(tenant) Receives the invitation of another agent, and connects.',
  })
  receiveInvitation(
    @Arg('input', () => ReceiveInvitationInput, { description: 'The invitation, and how to answer it.' })
    input: ReceiveInvitationInput,
    @Ctx() context: GraphContext,
  ): Promise<ReceiveInvitationPayload> {
    for (const field of ['label', 'alias'] as const) checkOptional(input[field], `input.${field}`)
    return this.service.receive(tenantIdOf(context), input)
  }

  @ForTenant('WRITE')
  @Mutation(() => ReceiveInvitationPayload, {
    description: '(tenant) Goes on with an invitation received with autoAccept false.',
  })
  acceptInvitation(
    @Arg('invitationId', () => ID, { description: 'Received, and in state INITIAL.' }) invitationId: string,
    @Ctx() context: GraphContext,
  ): Promise<ReceiveInvitationPayload> {
    return this.service.accept(tenantIdOf(context), invitationId)
  }

  @ForTenant('WRITE')
  @Mutation(() => DeletePayload, { description: '(tenant) Forgets an invitation; who has it can no longer use it.' })
  async deleteInvitation(
    @Arg('invitationId', () => ID, { description: 'The invitation to forget.' }) invitationId: string,
    @Ctx() context: GraphContext,
  ): Promise<DeletePayload> {
    await this.service.delete(tenantIdOf(context), invitationId)
    return { deletedId: invitationId }
  }

  @FieldResolver(() => String, {
    nullable: true,
    complexity: CODE_COST,
    description:
      'A QR code (SVG) of the URL, or of `shortUrl` where that is too long to be scanned; null where it has neither.',
  })
  qrCode(@Root() { url, shortUrl }: InvitationType): string | null | Promise<string> {
    const scanned = url.length <= SCANNED_MAX ? url : shortUrl
    return scanned === null ? null : this.codes.of(scanned)
  }
}
