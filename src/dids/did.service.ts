import {
  createPeerDidDocumentFromServices,
  type DidCreateResult,
  DidRepository,
  Kms,
  PeerDidNumAlgo,
  type PeerDidNumAlgo0CreateOptions,
} from '@credo-ts/core'
import { DidCommModuleConfig } from '@credo-ts/didcomm'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { badInput, notImplemented } from '../lib/errors.js'
import type { Listed } from '../storage/list.js'
import type { Features } from '../tenants/features.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import type { CreateDidInput, DidResolutionType, DidType } from './did.type.js'
import { didView, MADE } from './did.view.js'

const TYPE = 'DidRecord'
const LATER = ['jwk', 'web', 'webvh']
const HOSTED = ['web', 'webvh']
const ED25519 = { kty: 'OKP', crv: 'Ed25519' } as const

/** DIDs of a tenant's wallet. */
export class DidService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly features: Features,
  ) {}

  list(
    tenantId: string,
    method: string | null | undefined,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    return this.reader.list(tenantId, TYPE, 'dids', method == null ? {} : { method }, query)
  }

  /** @throws BAD_USER_INPUT for a method or options that are not known, FORBIDDEN where hosted DIDs are switched off */
  async create(tenantId: string, { method, options }: CreateDidInput): Promise<DidType> {
    if (HOSTED.includes(method)) await this.features.assertOn(tenantId, 'HOSTED_DIDS')
    if (LATER.includes(method)) throw notImplemented(`did:${method}`)
    if (method !== 'key' && method !== 'peer') throw badInput('method must be key or peer.', 'input.method')
    const numAlgo = method === 'peer' ? numAlgoOf(options) : noOptions(options)
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const { didState } = method === 'key' ? await createKey(agent) : await createPeer(agent, numAlgo ?? 4)
      if (didState.state !== 'finished') throw new Error(`did:${method} could not be made`)
      const repository = agent.context.resolve(DidRepository)
      const [record] = await repository.getCreatedDids(agent.context, { did: didState.did })
      if (!record) throw new Error(`did:${method} was not stored`)
      record.metadata.set(MADE, { document: didState.didDocument.toJSON() })
      await repository.update(agent.context, record)
      return didView(await recordIn(unit, TYPE, record.id, 'DID'))
    })
  }

  /** Resolves a DID; what is wrong with it stands in `resolutionMetadata`. */
  resolve(tenantId: string, did: string): Promise<DidResolutionType> {
    return this.sessions.transact(tenantId, async (agent) => {
      const result = await agent.dids.resolve(did)
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

function createKey(agent: WalletAgent): Promise<DidCreateResult> {
  return agent.dids.create({ method: 'key', options: { createKey: { type: ED25519 } } })
}

async function createPeer(agent: WalletAgent, numAlgo: 0 | 2 | 4): Promise<DidCreateResult> {
  if (numAlgo === 0) {
    const options = { numAlgo: PeerDidNumAlgo.InceptionKeyWithoutDoc, createKey: { type: ED25519 } } as const
    return agent.dids.create<PeerDidNumAlgo0CreateOptions>({ method: 'peer', options })
  }
  const kms = agent.context.resolve(Kms.KeyManagementApi)
  const { publicJwk } = await kms.createKey({ type: ED25519 })
  const recipientKey = Kms.PublicJwk.fromPublicJwk(publicJwk) as Kms.PublicJwk<Kms.Ed25519PublicJwk>
  const services = agent.context.resolve(DidCommModuleConfig).endpoints.map((serviceEndpoint, index) => ({
    id: `#inline-${index}`,
    serviceEndpoint,
    recipientKeys: [recipientKey],
    routingKeys: [],
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

function noOptions(options: Record<string, unknown> | null | undefined): undefined {
  const [unknown] = Object.keys(options ?? {})
  if (unknown) throw badInput(`There is no option ${JSON.stringify(unknown)}.`, 'input.options')
}
