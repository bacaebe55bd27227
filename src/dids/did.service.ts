import {
  createPeerDidDocumentFromServices,
  type DidCreateResult,
  DidRepository,
  type JwkDidCreateOptions,
  PeerDidNumAlgo,
  type PeerDidNumAlgo0CreateOptions,
} from '@credo-ts/core'
import { DidCommRoutingService } from '@credo-ts/didcomm'
import { MADE } from '../agent/made-did.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { badInput, conflict } from '../lib/errors.js'
import type { Listed } from '../storage/list.js'
import type { Features } from '../tenants/features.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import type { CreateDidInput, DidResolutionType, DidType, UpdateDidInput } from './did.type.js'
import { didView } from './did.view.js'
import type { HostedDids } from './hosted-dids.js'
import type { IndyDids } from './indy-dids.js'

const TYPE = 'DidRecord'
const ED25519 = { kty: 'OKP', crv: 'Ed25519' } as const
const JWK_TYPES = {
  Ed25519: ED25519,
  'P-256': { kty: 'EC', crv: 'P-256' },
  'P-384': { kty: 'EC', crv: 'P-384' },
  secp256k1: { kty: 'EC', crv: 'secp256k1' },
} as const
type JwkType = (typeof JWK_TYPES)[keyof typeof JWK_TYPES]

/** DIDs of a tenant's wallet. */
export class DidService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly features: Features,
    private readonly hosted: HostedDids,
    /** Where there are ledgers. */
    private readonly indy: IndyDids | undefined,
  ) {}

  list(
    tenantId: string,
    method: string | null | undefined,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    return this.reader.list(tenantId, TYPE, 'dids', method == null ? {} : { method }, query)
  }

  /**
   * @throws BAD_USER_INPUT for a method or options that are not known, CONFLICT for a path that is taken, FORBIDDEN where
   *   hosted DIDs are switched off; see {@link IndyDids} for those on ledgers
   */
  async create(tenantId: string, { method, options }: CreateDidInput): Promise<DidType> {
    if (method === 'web' || method === 'webvh') {
      await this.features.assertOn(tenantId, 'HOSTED_DIDS')
      return this.hosted.create(tenantId, method, options)
    }
    if (method === 'indy') return this.onLedgers().create(tenantId, options)
    const make = makerOf(method, options)
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const { didState } = await make(agent)
      if (didState.state !== 'finished') throw new Error(`did:${method} could not be made`)
      const repository = agent.context.resolve(DidRepository)
      const [record] = await repository.getCreatedDids(agent.context, { did: didState.did })
      if (!record) throw new Error(`did:${method} was not stored`)
      record.metadata.set(MADE, { document: didState.didDocument.toJSON() })
      await repository.update(agent.context, record)
      return didView(await recordIn(unit, TYPE, record.id, 'DID'))
    })
  }

  private onLedgers(): IndyDids {
    if (!this.indy) throw conflict('The gateway has no ledgers. Have the operator name them in INDY_NETWORKS.')
    return this.indy
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT, FORBIDDEN where hosted DIDs are switched off */
  async update(tenantId: string, input: UpdateDidInput): Promise<DidType> {
    await this.features.assertOn(tenantId, 'HOSTED_DIDS')
    return this.hosted.update(tenantId, input)
  }

  /** Ends a DID. @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  deactivate(tenantId: string, did: string): Promise<DidType> {
    return this.hosted.deactivate(tenantId, did)
  }

  /** Resolves a DID; what is wrong with it stands in `resolutionMetadata`. */
  resolve(tenantId: string, did: string): Promise<DidResolutionType> {
    return this.sessions.transact(tenantId, async (agent) => {
      // What is hosted, or on a ledger, is what the world sees of it, not what the wallet has.
      const useLocalCreatedDidRecord = !/^did:(web(vh)?|indy|cheqd):/.test(did)
      const result = await agent.dids.resolve(did, { useLocalCreatedDidRecord })
      // The agent's message quotes its own errors; the code of DID resolution says what is wrong.
      const { message: _message, ...resolutionMetadata } = result.didResolutionMetadata
      return {
        document: result.didDocument?.toJSON() ?? null,
        metadata: { ...result.didDocumentMetadata },
        resolutionMetadata,
      }
    })
  }
}

/** How a DID that needs nothing but the wallet is made. @throws BAD_USER_INPUT */
function makerOf(method: string, options: CreateDidInput['options']): (agent: WalletAgent) => Promise<DidCreateResult> {
  switch (method) {
    case 'key':
      noOptions(options)
      return createKey
    case 'peer': {
      const numAlgo = numAlgoOf(options)
      return (agent) => createPeer(agent, numAlgo)
    }
    case 'jwk': {
      const type = keyTypeOf(options)
      return (agent) => agent.dids.create<JwkDidCreateOptions>({ method: 'jwk', options: { createKey: { type } } })
    }
    default:
      throw badInput('method must be key, peer, jwk, web, webvh or indy.', 'input.method')
  }
}

function createKey(agent: WalletAgent): Promise<DidCreateResult> {
  return agent.dids.create({ method: 'key', options: { createKey: { type: ED25519 } } })
}

async function createPeer(agent: WalletAgent, numAlgo: 0 | 2 | 4): Promise<DidCreateResult> {
  if (numAlgo === 0) {
    const options = { numAlgo: PeerDidNumAlgo.InceptionKeyWithoutDoc, createKey: { type: ED25519 } } as const
    return agent.dids.create<PeerDidNumAlgo0CreateOptions>({ method: 'peer', options })
  }
  const { context } = agent
  const { recipientKey, endpoints, routingKeys } = await context.resolve(DidCommRoutingService).getRouting(context)
  const services = endpoints.map((serviceEndpoint, index) => ({
    id: `#inline-${index}`,
    serviceEndpoint,
    recipientKeys: [recipientKey],
    routingKeys,
  }))
  const { didDocument, keys } = createPeerDidDocumentFromServices(services, true)
  return agent.dids.create({ method: 'peer', didDocument, options: { numAlgo, keys } } as never)
}

function numAlgoOf(options: Record<string, unknown> | null | undefined): 0 | 2 | 4 {
  const { numAlgo = 4, ...rest } = options ?? {}
  noOptions(rest)
  if (numAlgo === 0 || numAlgo === 2 || numAlgo === 4) return numAlgo
  throw badInput('numAlgo must be 0, 2 or 4.', 'input.options.numAlgo')
}

function keyTypeOf(options: Record<string, unknown> | null | undefined): JwkType {
  const { keyType = 'Ed25519', ...rest } = options ?? {}
  noOptions(rest)
  const type = Object.entries(JWK_TYPES).find(([name]) => name === keyType)?.[1]
  if (!type) throw badInput(`keyType must be ${Object.keys(JWK_TYPES).join(', ')}.`, 'input.options.keyType')
  return type
}

function noOptions(options: Record<string, unknown> | null | undefined): undefined {
  const [unknown] = Object.keys(options ?? {})
  if (unknown) throw badInput(`There is no option ${JSON.stringify(unknown)}.`, 'input.options')
}
