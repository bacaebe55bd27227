import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import {
  type AgentContext,
  CredoError,
  InjectionSymbols,
  inject,
  injectable,
  JsonEncoder,
  Kms,
  type Logger,
} from '@credo-ts/core'
import {
  DidCommDocumentService,
  type DidCommEncryptedMessage,
  DidCommEnvelopeService,
  DidCommForwardMessage,
  type DidCommMessage,
  DidCommModuleConfig,
} from '@credo-ts/didcomm'
import { base58Encode } from '../lib/base58.js'
import { notePacked } from './packed.js'
import { isPassing } from './passing.js'
import { reducePickedUp } from './picked-up.js'
import { assertPlain } from './plain-json.js'
import { ReturnRouteRule } from './return-route.js'
import { WalletBoxes } from './wallet-boxes.js'

/** An envelope that this wallet cannot open: a key it does not have, or a tampered envelope. */
export class EnvelopeError extends Error {}

interface Recipient {
  encrypted_key: string
  header: { kid: string; iv?: string; sender?: string }
}

interface Header {
  alg: 'Authcrypt' | 'Anoncrypt'
  recipients: Recipient[]
}

type EnvelopeKeys = Parameters<DidCommEnvelopeService['packMessage']>[2]
type Ed25519 = Kms.PublicJwk<Kms.Ed25519PublicJwk>

/**
 * Envelopes of DIDComm v1 (Aries RFC 0019), sealed and opened with few native calls. Stock Credo takes each key through
 * several JWKs and schema checks, which is half the cost of a message; and it throws alike for an envelope that cannot
 * be opened and a message that cannot be handled.
 */
@injectable()
export class WalletEnvelopeService extends DidCommEnvelopeService {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(
    @inject(InjectionSymbols.Logger) logger: Logger,
    documents: DidCommDocumentService,
    private readonly boxes: WalletBoxes,
    private readonly returnRoute: ReturnRouteRule,
  ) {
    super(logger, documents)
  }

  override async packMessage(
    context: AgentContext,
    payload: DidCommMessage,
    { recipientKeys, routingKeys, senderKey }: EnvelopeKeys,
  ): Promise<DidCommEncryptedMessage> {
    const { useDidSovPrefixWhereAllowed } = context.resolve(DidCommModuleConfig)
    const options = { useDidSovPrefixWhereAllowed }
    const message = payload.toJSON(options)
    // Answers come to the wallet's own endpoint. Credo asks for them in the response to what goes without a connection.
    if (!this.returnRoute.mayAsk) delete message['~transport']
    let envelope = await this.seal(context, message, recipientKeys, senderKey ?? undefined)
    let to = recipientKeys[0]
    const recipient = to && base58Encode(to.publicKey.publicKey)
    const inner = envelope
    for (const routingKey of routingKeys) {
      if (!to) throw new CredoError('An envelope needs a recipient')
      const forward = new DidCommForwardMessage({ to: base58Encode(to.publicKey.publicKey), message: envelope })
      envelope = await this.seal(context, forward.toJSON(options), [routingKey], undefined)
      to = routingKey
    }
    if (recipient) {
      const passing = isPassing(payload.type)
      notePacked(envelope, { to: recipient, inner, thread: payload.threadId, passing })
    }
    return envelope
  }

  override async unpackMessage(context: AgentContext, message: DidCommEncryptedMessage) {
    try {
      return await this.open(context, message)
    } catch (cause) {
      throw new EnvelopeError('The envelope cannot be opened', { cause })
    }
  }

  private async seal(
    context: AgentContext,
    message: Record<string, unknown>,
    recipientKeys: Ed25519[],
    senderKey: Ed25519 | undefined,
  ): Promise<DidCommEncryptedMessage> {
    const contentKey = randomBytes(32)
    const recipients: Recipient[] = []
    for (const recipientKey of recipientKeys) {
      const recipient = recipientKey.publicKey.publicKey
      const { box, nonce } = await this.boxes.seal(context, contentKey, recipient, senderKey?.keyId)
      const sender =
        senderKey && this.boxes.sealAnonymously(Buffer.from(base58Encode(senderKey.publicKey.publicKey)), recipient)
      recipients.push({
        encrypted_key: base64url(box),
        header: { kid: base58Encode(recipient), iv: nonce && base64url(nonce), sender: sender && base64url(sender) },
      })
    }
    const header = {
      enc: 'xchacha20poly1305_ietf',
      typ: 'JWM/1.0',
      alg: senderKey ? 'Authcrypt' : 'Anoncrypt',
      recipients,
    }
    const sealed = base64url(Buffer.from(JSON.stringify(header)))
    // Despite the name in `enc`, agents use the 12-byte nonce of RFC 8439.
    const iv = randomBytes(12)
    const cipher = createCipheriv('chacha20-poly1305', createSecretKey(contentKey), iv, { authTagLength: 16 })
    cipher.setAAD(Buffer.from(sealed), { plaintextLength: 0 })
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(message)), cipher.final()])
    return {
      protected: sealed,
      iv: base64url(iv),
      ciphertext: base64url(ciphertext),
      tag: base64url(cipher.getAuthTag()),
    }
  }

  private async open(context: AgentContext, envelope: DidCommEncryptedMessage) {
    const { alg, recipients } = readHeader(envelope.protected)
    for (const recipient of recipients) {
      // Credo's own search: DIDs of the wallet, then mediation, then invitations.
      const recipientKey = (await this['extractOurRecipientKeyWithKeyId'](context, recipient)) as Ed25519 | null
      if (!recipientKey) continue
      const { sender, iv } = recipient.header
      if (alg === 'Authcrypt' && (!sender || !iv)) throw new CredoError('Authcrypt needs a sender and its nonce')
      const { keyId } = recipientKey
      const box = Buffer.from(recipient.encrypted_key, 'base64url')
      const opened = await this.boxes.open(
        context,
        keyId,
        box,
        sender && Buffer.from(sender, 'base64url'),
        iv && Buffer.from(iv, 'base64url'),
      )
      const decipher = createDecipheriv(
        'chacha20-poly1305',
        createSecretKey(opened.content),
        Buffer.from(envelope.iv, 'base64url'),
        {
          authTagLength: 16,
        },
      )
      decipher.setAAD(Buffer.from(envelope.protected), { plaintextLength: 0 })
      decipher.setAuthTag(Buffer.from(envelope.tag, 'base64url'))
      const plaintext = Buffer.concat([
        decipher.update(Buffer.from(envelope.ciphertext, 'base64url')),
        decipher.final(),
      ])
      const senderKey =
        opened.sender && Kms.PublicJwk.fromPublicKey({ kty: 'OKP', crv: 'Ed25519', publicKey: opened.sender })
      const plaintextMessage = JsonEncoder.fromBuffer(plaintext)
      reducePickedUp(plaintextMessage)
      assertPlain(plaintextMessage)
      return { plaintextMessage, senderKey, recipientKey }
    }
    throw new CredoError('No recipient key of the envelope is in this wallet')
  }
}

function readHeader(text: string): Header {
  const { enc, alg, recipients } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Header & { enc: string }
  if (alg !== 'Anoncrypt' && alg !== 'Authcrypt') throw new CredoError('The envelope is of an unknown kind')
  if (enc !== 'xchacha20poly1305_ietf') throw new CredoError('The envelope is encrypted in an unknown way')
  return { alg, recipients }
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
