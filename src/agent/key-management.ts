import { AskarKeyManagementService } from '@credo-ts/askar'
import { type AgentContext, Kms, utils } from '@credo-ts/core'
import { Key, KeyAlgorithm, SignatureAlgorithm } from '@openwallet-foundation/askar-shared'
import type { Unit } from '../storage/unit.js'
import type { Wallets } from './wallets.js'

/**
 * Keys of the wallet. What every handshake needs (Ed25519 keys, made, read, signed with) works on the unit of work and
 * on handles that are kept while the wallet is open; everything else is left to Credo's own service.
 */
export class WalletKeyManagementService extends AskarKeyManagementService {
  constructor(private readonly wallets: Wallets) {
    super()
  }

  override getPublicKey(context: AgentContext, keyId: string): Promise<Kms.KmsJwkPublic | null> {
    return this.wallets.inUnit(context, async (unit) => {
      const key = await unit.fetchKey(keyId)
      return key ? ({ ...key.jwkPublic, kid: keyId } as unknown as Kms.KmsJwkPublic) : null
    })
  }

  override async createKey<Type extends Kms.KmsCreateKeyType>(
    context: AgentContext,
    options: Kms.KmsCreateKeyOptions<Type>,
  ): Promise<Kms.KmsCreateKeyReturn<Type>> {
    const { type, keyId } = options
    if (type.kty !== 'OKP' || type.crv !== 'Ed25519') return super.createKey(context, options)
    const kid = keyId ?? utils.uuid()
    return this.wallets.inUnit(context, async (unit) => {
      const key = Key.generate(KeyAlgorithm.Ed25519)
      unit.changeKey({ op: 'insert', name: kid, key })
      const x = Buffer.from(key.publicBytes).toString('base64url')
      return {
        keyId: kid,
        publicJwk: { kty: 'OKP', crv: 'Ed25519', x, kid },
      } as unknown as Kms.KmsCreateKeyReturn<Type>
    })
  }

  override deleteKey(context: AgentContext, { keyId }: Kms.KmsDeleteKeyOptions): Promise<boolean> {
    return this.wallets.inUnit(context, async (unit) => {
      if (!(await unit.fetchKey(keyId))) return false
      unit.changeKey({ op: 'remove', name: keyId })
      return true
    })
  }

  override async sign(context: AgentContext, options: Kms.KmsSignOptions): Promise<Kms.KmsSignReturn> {
    if (options.algorithm !== 'EdDSA' && options.algorithm !== 'Ed25519') return super.sign(context, options)
    return this.wallets.inUnit(context, async (unit) => {
      const key = await this.keyOf(unit, options.keyId)
      if (key.algorithm !== KeyAlgorithm.Ed25519) throw new Kms.KeyManagementError('This key does not sign with EdDSA')
      const signature = key.signMessage({ message: new Uint8Array(options.data), sigType: SignatureAlgorithm.EdDSA })
      return { signature: new Uint8Array(signature) }
    })
  }

  private async keyOf(unit: Unit, keyId: string): Promise<Key> {
    const key = await unit.fetchKey(keyId)
    if (!key) throw new Kms.KeyManagementKeyNotFoundError(keyId, [this.backend])
    return key
  }
}
