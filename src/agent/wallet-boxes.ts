import { type AgentContext, Kms } from '@credo-ts/core'
import { CryptoBox, Key, KeyAlgorithm } from '@openwallet-foundation/askar-shared'
import { LRUCache } from 'lru-cache'
import { base58Decode } from '../lib/base58.js'
import { formOf } from '../storage/key-forms.js'
import type { Wallets } from './wallets.js'

/** Boxes of NaCl (X25519, XSalsa20, Poly1305) between Ed25519 keys, which is how DIDComm v1 seals content keys. */
export class WalletBoxes {
  /** X25519 forms of other agents' Ed25519 keys: a function of the key, and dearer than the box itself. */
  private readonly converted = new LRUCache<string, Key>({ max: 2000, dispose: (key) => key.handle.free() })

  constructor(private readonly wallets: Wallets) {}

  /** Seals for a recipient (Ed25519, 32 bytes); with a sender's key the box tells who made it. */
  seal(
    context: AgentContext,
    message: Uint8Array,
    recipient: Uint8Array,
    senderKeyId: string | undefined,
  ): Promise<{ box: Uint8Array; nonce?: Uint8Array }> {
    if (!senderKeyId) return Promise.resolve({ box: this.sealAnonymously(message, recipient) })
    return this.withOwnKey(context, senderKeyId, (senderKey) => {
      const nonce = CryptoBox.randomNonce()
      return {
        box: CryptoBox.cryptoBox({ recipientKey: this.x25519(recipient), senderKey, message: bytes(message), nonce }),
        nonce,
      }
    })
  }

  sealAnonymously(message: Uint8Array, recipient: Uint8Array): Uint8Array {
    return CryptoBox.seal({ recipientKey: this.x25519(recipient), message: bytes(message) })
  }

  /** Opens a box of the wallet's key. `sender` is the sealed base58 key of who made it; without one it is anonymous. */
  open(
    context: AgentContext,
    keyId: string,
    box: Uint8Array,
    sender: Uint8Array | undefined | '',
    nonce: Uint8Array | undefined | '',
  ): Promise<{ content: Uint8Array; sender?: Uint8Array }> {
    return this.withOwnKey(context, keyId, (recipientKey) => {
      if (!sender || !nonce) return { content: CryptoBox.sealOpen({ recipientKey, ciphertext: bytes(box) }) }
      const verkey = CryptoBox.sealOpen({ recipientKey, ciphertext: bytes(sender) })
      const senderKey = base58Decode(Buffer.from(verkey).toString())
      const content = CryptoBox.open({
        recipientKey,
        senderKey: this.x25519(senderKey),
        message: bytes(box),
        nonce: bytes(nonce),
      })
      return { content, sender: senderKey }
    })
  }

  /** Lends the X25519 form of a key of the wallet. */
  private withOwnKey<T>(context: AgentContext, keyId: string, use: (key: Key) => T): Promise<T> {
    return this.wallets.inUnit(context, async (unit) => {
      const key = await unit.fetchKey(keyId)
      if (!key) throw new Kms.KeyManagementKeyNotFoundError(keyId, [])
      return use(key.algorithm === KeyAlgorithm.X25519 ? key : formOf(key, x25519Of))
    })
  }

  private x25519(publicKey: Uint8Array): Key {
    const name = Buffer.from(publicKey).toString('base64')
    const known = this.converted.get(name)
    if (known) return known
    const key = Key.fromPublicBytes({ algorithm: KeyAlgorithm.Ed25519, publicKey: bytes(publicKey) })
    try {
      const converted = x25519Of(key)
      this.converted.set(name, converted)
      return converted
    } finally {
      key.handle.free()
    }
  }
}

const x25519Of = (key: Key) => key.convertkey({ algorithm: KeyAlgorithm.X25519 })

/** The binding takes plain byte arrays, not Node's buffers. */
const bytes = (data: Uint8Array) => new Uint8Array(data)
