import { type AgentContext, Kms } from '@credo-ts/core'
import {
  DidCommModuleConfig,
  type DidCommRouting,
  DidCommRoutingService,
  type GetRoutingOptions,
  type RemoveRoutingOptions,
} from '@credo-ts/didcomm'
import { base58Decode, base58Encode } from '../lib/base58.js'
import { currentUnit, type Unit } from '../storage/unit.js'

/** A key that a mediator knows already, and the way to it. */
export interface MediatedKey {
  keyId: string
  /** Ed25519. */
  publicKey: Uint8Array
  mediatorId: string
  endpoint: string
  /** Base58 of Ed25519 public keys, the nearest to the wallet first. */
  routingKeys: string[]
}

/** Has keys of wallets known to mediators. */
export interface RoutingPort {
  /**
   * Takes a key for a unit to hand out.
   * @param own whether the wallet's own mediator counts, beside that of the base wallet
   * @returns undefined where the wallet has no mediator
   * @throws where none is ready; the unit has noted the need, and is run again
   */
  take(context: AgentContext, unit: Unit, own: boolean): Promise<MediatedKey | undefined>
  /** Keys (base58) are no longer to be reached. */
  release(unit: Unit, keys: string[]): Promise<void>
}

/**
 * Where a wallet's new keys are reached. Credo would tell a mediator of each key and wait for its answer in the midst of
 * a unit of work; here the mediator was told before.
 */
export class WalletRoutingService extends DidCommRoutingService {
  constructor(private readonly port: RoutingPort) {
    // What Credo's own asks is not asked.
    super(undefined as never, undefined as never)
  }

  override async getRouting(
    context: AgentContext,
    { useDefaultMediator = true }: GetRoutingOptions = {},
  ): Promise<DidCommRouting> {
    const unit = currentUnit()
    const mediated = unit && (await this.port.take(context, unit, useDefaultMediator))
    if (mediated) {
      const { keyId, publicKey, mediatorId, endpoint, routingKeys } = mediated
      const recipientKey = ed25519(publicKey)
      recipientKey.keyId = keyId
      const keys = routingKeys.map((key) => ed25519(base58Decode(key)))
      return { mediatorId, endpoints: [endpoint], routingKeys: keys, recipientKey }
    }
    const { publicJwk } = await context.resolve(Kms.KeyManagementApi).createKey({ type: ED25519 })
    const { endpoints } = context.resolve(DidCommModuleConfig)
    const recipientKey = Kms.PublicJwk.fromPublicJwk(publicJwk) as Kms.PublicJwk<Kms.Ed25519PublicJwk>
    return { endpoints, routingKeys: [], recipientKey }
  }

  override async removeRouting(_context: AgentContext, { recipientKeys }: RemoveRoutingOptions): Promise<void> {
    const unit = currentUnit()
    if (!unit) return
    await this.port.release(
      unit,
      recipientKeys.map((key) => base58Encode(key.publicKey.publicKey)),
    )
  }
}

const ED25519 = { kty: 'OKP', crv: 'Ed25519' } as const

const ed25519 = (publicKey: Uint8Array) => Kms.PublicJwk.fromPublicKey({ ...ED25519, publicKey })
