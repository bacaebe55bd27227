import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AskarKeyManagementService } from '@credo-ts/askar'
import { type AgentContext, Kms, utils } from '@credo-ts/core'
import { CryptoBox, Key, KeyAlgorithm, SignatureAlgorithm } from '@openwallet-foundation/askar-shared'
import type { Unit } from '../storage/unit.js'
import type { Wallets } from './wallets.js'

const EMPTY = new Uint8Array()

/**
 * Keys of the wallet. What DIDComm v1 and DID documents need (Ed25519 keys, authcrypt and anoncrypt boxes, content
 * encryption) works on the unit of work and on handles that are kept while the wallet is open; everything else is
 * left to Credo's own service.
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

  override async encrypt(context: AgentContext, options: Kms.KmsEncryptOptions): Promise<Kms.KmsEncryptReturn> {
    const { key, encryption, data } = options
    if (encryption.algorithm === 'C20P' && key.privateJwk?.kty === 'oct') {
      return sealContent(Buffer.from(key.privateJwk.k, 'base64url'), data, encryption.aad)
    }
    const agreement = key.keyAgreement
    if (encryption.algorithm !== 'XSALSA20-POLY1305' || agreement?.algorithm !== 'ECDH-HSALSA20') {
      return super.encrypt(context, options)
    }
    return this.wallets.inUnit(context, (unit) =>
      withPublicX25519(agreement.externalPublicJwk, async (recipientKey) => {
        const message = new Uint8Array(data)
        if (!agreement.keyId) return { encrypted: new Uint8Array(CryptoBox.seal({ recipientKey, message })) }
        const nonce = new Uint8Array(CryptoBox.randomNonce())
        const encrypted = await this.withX25519(unit, agreement.keyId, (senderKey) =>
          CryptoBox.cryptoBox({ recipientKey, senderKey, message, nonce }),
        )
        return { encrypted: new Uint8Array(encrypted), iv: nonce }
      }),
    )
  }

  override async decrypt(context: AgentContext, options: Kms.KmsDecryptOptions): Promise<Kms.KmsDecryptReturn> {
    const { key, decryption, encrypted } = options
    if (decryption.algorithm === 'C20P' && key.privateJwk?.kty === 'oct') {
      const { iv, tag, aad } = decryption
      return { data: openContent(Buffer.from(key.privateJwk.k, 'base64url'), encrypted, iv, tag, aad) }
    }
    const agreement = key.keyAgreement
    if (decryption.algorithm !== 'XSALSA20-POLY1305' || agreement?.algorithm !== 'ECDH-HSALSA20') {
      return super.decrypt(context, options)
    }
    return this.wallets.inUnit(context, (unit) =>
      this.withX25519(unit, agreement.keyId, async (recipientKey) => {
        const ciphertext = new Uint8Array(encrypted)
        if (!agreement.externalPublicJwk) {
          return { data: new Uint8Array(CryptoBox.sealOpen({ recipientKey, ciphertext })) }
        }
        const { iv } = decryption
        if (!iv) throw new Kms.KeyManagementError('A box with a sender needs its nonce')
        return withPublicX25519(agreement.externalPublicJwk, async (senderKey) => ({
          data: new Uint8Array(
            CryptoBox.open({ recipientKey, senderKey, message: ciphertext, nonce: new Uint8Array(iv) }),
          ),
        }))
      }),
    )
  }

  private async keyOf(unit: Unit, keyId: string): Promise<Key> {
    const key = await unit.fetchKey(keyId)
    if (!key) throw new Kms.KeyManagementKeyNotFoundError(keyId, [this.backend])
    return key
  }

  /** Lends the X25519 form of an Ed25519 key. */
  private async withX25519<T>(unit: Unit, keyId: string, use: (key: Key) => T | Promise<T>): Promise<T> {
    const key = await this.keyOf(unit, keyId)
    if (key.algorithm === KeyAlgorithm.X25519) return use(key)
    const converted = key.convertkey({ algorithm: KeyAlgorithm.X25519 })
    try {
      return await use(converted)
    } finally {
      converted.handle.free()
    }
  }
}

async function withPublicX25519<T>(jwk: Kms.KmsJwkPublic, use: (key: Key) => Promise<T>): Promise<T> {
  if (jwk.kty !== 'OKP' || jwk.crv !== 'X25519') throw new Kms.KeyManagementError('A box needs an X25519 key')
  const key = Key.fromPublicBytes({
    algorithm: KeyAlgorithm.X25519,
    publicKey: new Uint8Array(Buffer.from(jwk.x, 'base64url')),
  })
  try {
    return await use(key)
  } finally {
    key.handle.free()
  }
}

/** ChaCha20-Poly1305 (RFC 8439), whose tag is 16 bytes and whose nonce is 12. */
function sealContent(key: Buffer, data: Uint8Array, aad: Uint8Array | undefined): Kms.KmsEncryptReturn {
  const iv = randomBytes(12)
  const cipher = createCipheriv('chacha20-poly1305', key, iv, { authTagLength: 16 })
  cipher.setAAD(aad ?? EMPTY, { plaintextLength: data.length })
  const encrypted = Buffer.concat([cipher.update(data), cipher.final()])
  return { encrypted: new Uint8Array(encrypted), iv: new Uint8Array(iv), tag: new Uint8Array(cipher.getAuthTag()) }
}

function openContent(key: Buffer, data: Uint8Array, iv: Uint8Array, tag: Uint8Array, aad?: Uint8Array) {
  const decipher = createDecipheriv('chacha20-poly1305', key, iv, { authTagLength: 16 })
  decipher.setAAD(aad ?? EMPTY, { plaintextLength: data.length })
  decipher.setAuthTag(tag)
  return new Uint8Array(Buffer.concat([decipher.update(data), decipher.final()]))
}
