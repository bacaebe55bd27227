import {
  type AgentContext,
  DidRepository,
  DidResolverService,
  getPublicJwkFromVerificationMethod,
  injectable,
  Kms,
  parseDid,
  type ResolvedDidCommService,
} from '@credo-ts/core'
import { DidCommDocumentService } from '@credo-ts/didcomm'
import { NO_ENDPOINT } from './ports.js'

const REACHABLE = /^(https?:|didcomm:)/

/**
 * Services of peers. One that names no endpoint that can be reached from here is served by return routes, as one that
 * says so itself; stock Credo drops what is for it.
 */
@injectable()
export class PeerServices extends DidCommDocumentService {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(
    private readonly resolver: DidResolverService,
    repository: DidRepository,
  ) {
    super(resolver, repository)
  }

  override async resolveServicesFromDid(context: AgentContext, did: string): Promise<ResolvedDidCommService[]> {
    const services = await super.resolveServicesFromDid(context, did)
    const { fragment } = parseDid(did)
    if (fragment || services.some(({ serviceEndpoint }) => REACHABLE.test(serviceEndpoint))) return services
    const recipientKeys = services[0]?.recipientKeys ?? (await this.authenticationKeys(context, did))
    if (recipientKeys.length === 0) return services
    const id = `${did}#return-route`
    return [...services, { id, serviceEndpoint: NO_ENDPOINT, recipientKeys, routingKeys: [] }]
  }

  private async authenticationKeys(context: AgentContext, did: string): Promise<Kms.PublicJwk<Kms.Ed25519PublicJwk>[]> {
    const document = await this.resolver.resolveDidDocument(context, did)
    return (document.authentication ?? [])
      .map((method) => (typeof method === 'string' ? document.dereferenceVerificationMethod(method) : method))
      .map((method) => getPublicJwkFromVerificationMethod(method))
      .filter((key): key is Kms.PublicJwk<Kms.Ed25519PublicJwk> => key.is(Kms.Ed25519PublicJwk))
  }
}
