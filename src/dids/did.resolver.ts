import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { checkText } from '../lib/text.js'
import { recordOf } from '../tenants/wallet-reader.js'
import type { DidService } from './did.service.js'
import {
  CreateDidInput,
  CreateDidPayload,
  DeactivateDidPayload,
  DidPage,
  DidResolutionType,
  UpdateDidInput,
  UpdateDidPayload,
} from './did.type.js'
import { didView } from './did.view.js'

@Resolver()
export class DidResolver {
  constructor(private readonly service: DidService) {}

  @ForTenant('READ')
  @Query(() => DidPage, {
    description: '(tenant) DIDs made by createDid; those that handshakes make stand on their ConnectionRecord.',
  })
  dids(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('method', () => String, { nullable: true, description: 'Only of this method.' }) method?: string,
  ) {
    return listPage(
      args,
      'dids',
      (query) => this.service.list(tenantIdOf(context), method, query),
      ({ entry }) => didView(recordOf(entry)),
    )
  }

  @ForTenant('READ')
  @Query(() => DidResolutionType, { description: '(tenant) Resolves any DID the gateway has a resolver for.' })
  resolveDid(
    @Arg('did', () => String, { description: 'The DID, without fragment or query.' }) did: string,
    @Ctx() context: GraphContext,
  ): Promise<DidResolutionType> {
    checkText(did, 'did', { max: 4096 })
    return this.service.resolve(tenantIdOf(context), did)
  }

  @ForTenant('WRITE')
  @Mutation(() => CreateDidPayload, { description: '(tenant) Makes a DID with keys of its own.' })
  async createDid(
    @Arg('input', () => CreateDidInput, { description: 'Its method, and options of that.' }) input: CreateDidInput,
    @Ctx() context: GraphContext,
  ): Promise<CreateDidPayload> {
    return { did: await this.service.create(tenantIdOf(context), input) }
  }

  @ForTenant('WRITE', 'HOSTED_DIDS')
  @Mutation(() => UpdateDidPayload, { description: '(tenant) Changes a DID that this gateway hosts, for all at once.' })
  async updateDid(
    @Arg('input', () => UpdateDidInput, { description: 'The DID, and what is to change.' }) input: UpdateDidInput,
    @Ctx() context: GraphContext,
  ): Promise<UpdateDidPayload> {
    return { did: await this.service.update(tenantIdOf(context), input) }
  }

  @ForTenant('WRITE', 'HOSTED_DIDS')
  @Mutation(() => DeactivateDidPayload, {
    description: '(tenant) Ends a DID that this gateway hosts, for ever: what it has signed holds no more.',
  })
  async deactivateDid(
    @Arg('did', () => String, { description: 'A did:web or did:webvh that this gateway hosts.' }) did: string,
    @Ctx() context: GraphContext,
  ): Promise<DeactivateDidPayload> {
    return { did: await this.service.deactivate(tenantIdOf(context), did) }
  }
}
