import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import type { Key } from '@openwallet-foundation/askar-shared'
import { loadAskar, shared } from '../src/askar/index.js'
import { base58Decode, base58Encode } from '../src/lib/base58.js'

/** A DIDComm v1 message, before it is packed. */
export type Plaintext = { '@type': string; '@id': string } & Record<string, unknown>

const CEK_BYTES = 32
const BOX_NONCE_BYTES = 24
const AEAD_NONCE_BYTES = 12

/**
 * An agent outside of the gateway, as small as one can be: one key, which packs authcrypt envelopes (Aries RFC 0019),
 * and a DID document of the connections/1.0 kind (Aries RFC 0160).
 */
export class Peer {
  /** Its Ed25519 key, base58. */
  readonly verkey: string

  private constructor(
    private readonly agreementKey: Key,
    publicKey: Uint8Array,
    readonly endpoint: string,
  ) {
    this.verkey = base58Encode(publicKey)
  }

  /** `endpoint`: where it is to be reached. */
  static async create(endpoint: string): Promise<Peer> {
    await loadAskar({ binding: 'koffi' })
    const key = shared.Key.generate(shared.KeyAlgorithm.Ed25519)
    return new Peer(key.convertkey({ algorithm: shared.KeyAlgorithm.X25519 }), key.publicBytes, endpoint)
  }

  /** Packs a message for one recipient key, an Ed25519 key in base58, and says who sent it. */
  pack(message: Plaintext, recipientKey: string): Buffer {
    const recipient = agreementKeyOf(recipientKey)
    const [cek, nonce] = [randomBytes(CEK_BYTES), randomBytes(BOX_NONCE_BYTES)]
    const encryptedKey = shared.CryptoBox.cryptoBox({
      recipientKey: recipient,
      senderKey: this.agreementKey,
      message: cek,
      nonce,
    })
    const sender = shared.CryptoBox.seal({ recipientKey: recipient, message: Buffer.from(this.verkey) })
    const header = { kid: recipientKey, iv: base64(nonce), sender: base64(sender) }
    const shell = {
      enc: 'xchacha20poly1305_ietf',
      typ: 'JWM/1.0',
      alg: 'Authcrypt',
      recipients: [{ encrypted_key: base64(encryptedKey), header }],
    }
    const protectedHeader = base64(Buffer.from(JSON.stringify(shell)))

    // Whatever "enc" says, agents use the ChaCha20-Poly1305 with the nonce of 12 bytes.
    const iv = randomBytes(AEAD_NONCE_BYTES)
    const cipher = createCipheriv('chacha20-poly1305', cek, iv, { authTagLength: 16 })
    cipher.setAAD(Buffer.from(protectedHeader), { plaintextLength: 0 })
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(message), 'utf8'), cipher.final()])
    return Buffer.from(
      JSON.stringify({
        protected: protectedHeader,
        iv: base64(iv),
        ciphertext: base64(ciphertext),
        tag: base64(cipher.getAuthTag()),
      }),
    )
  }

  /** The key, in base58, that packed an envelope for this peer. */
  senderOf(envelope: Buffer): string {
    const { protected: protectedHeader } = JSON.parse(envelope.toString())
    const { recipients } = JSON.parse(fromBase64(protectedHeader).toString())
    const ciphertext = fromBase64(recipients[0].header.sender)
    return Buffer.from(shared.CryptoBox.sealOpen({ recipientKey: this.agreementKey, ciphertext })).toString()
  }

  /** Opens an envelope that was packed for this peer. */
  open(envelope: Buffer): Plaintext {
    const sealed = JSON.parse(envelope.toString())
    const [{ encrypted_key, header }] = JSON.parse(fromBase64(sealed.protected).toString()).recipients
    const cek = shared.CryptoBox.open({
      recipientKey: this.agreementKey,
      senderKey: agreementKeyOf(this.senderOf(envelope)),
      message: fromBase64(encrypted_key),
      nonce: fromBase64(header.iv),
    })
    const decipher = createDecipheriv('chacha20-poly1305', cek, fromBase64(sealed.iv), { authTagLength: 16 })
    const ciphertext = fromBase64(sealed.ciphertext)
    decipher.setAAD(Buffer.from(sealed.protected), { plaintextLength: ciphertext.length })
    decipher.setAuthTag(fromBase64(sealed.tag))
    return JSON.parse(Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString())
  }

  /** Answers an out-of-band invitation. */
  connectionRequest(invitationId: string): Plaintext {
    const unqualifiedDid = base58Encode(base58Decode(this.verkey).subarray(0, 16))
    const did = `did:sov:${unqualifiedDid}`
    const keyId = `${did}#1`
    const publicKey = {
      id: keyId,
      type: 'Ed25519VerificationKey2018',
      controller: did,
      publicKeyBase58: this.verkey,
    }
    const service = {
      id: `${did};indy`,
      type: 'IndyAgent',
      priority: 0,
      recipientKeys: [this.verkey],
      serviceEndpoint: this.endpoint,
    }
    return {
      '@type': 'https://didcomm.org/connections/1.0/request',
      '@id': randomUUID(),
      '~thread': { pthid: invitationId },
      label: 'outside peer',
      connection: {
        DID: unqualifiedDid,
        DIDDoc: {
          '@context': 'https://w3id.org/did/v1',
          id: did,
          publicKey: [publicKey],
          authentication: [{ type: 'Ed25519SignatureAuthentication2018', publicKey: keyId }],
          service: [service],
        },
      },
    }
  }

  /** What completes a connection at the other side (Aries RFC 0160: any message does). */
  trustPing(): Plaintext {
    return { '@type': 'https://didcomm.org/trust_ping/1.0/ping', '@id': randomUUID(), response_requested: false }
  }

  basicMessage(content: string): Plaintext {
    return {
      '@type': 'https://didcomm.org/basicmessage/1.0/message',
      '@id': randomUUID(),
      sent_time: new Date().toISOString(),
      content,
      '~l10n': { locale: 'en' },
    }
  }
}

const agreementKeys = new Map<string, Key>()

/** The X25519 key of a recipient; kept, since thousands of envelopes go to the same few. */
function agreementKeyOf(verkey: string): Key {
  const known = agreementKeys.get(verkey)
  if (known) return known
  const { Key, KeyAlgorithm } = shared
  const key = Key.fromPublicBytes({ algorithm: KeyAlgorithm.Ed25519, publicKey: base58Decode(verkey) })
  const converted = key.convertkey({ algorithm: KeyAlgorithm.X25519 })
  agreementKeys.set(verkey, converted)
  return converted
}

/** Padded, as ACA-Py and Indy pack. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** Of either alphabet, padded or not. */
function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64')
}

const ED25519_MULTICODEC_BYTES = 2

/** The base58 Ed25519 key that a `did:key` or the first key of a `did:peer:2` names (W3C did:key; multibase `z`). */
export function keyOfDid(did: string): string {
  const fingerprint = /^did:key:z(\w+)/.exec(did)?.[1] ?? /^did:peer:2[\w.]*\.Vz(\w+)/.exec(did)?.[1]
  if (!fingerprint) throw new Error(`No Ed25519 key can be read from ${did}`)
  return base58Encode(base58Decode(fingerprint).subarray(ED25519_MULTICODEC_BYTES))
}
