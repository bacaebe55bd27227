import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Key } from '@openwallet-foundation/askar-shared'
import { keyOfDid, Peer } from '../../bench/peer.js'
import { loadAskar, shared } from '../../src/askar/index.js'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'

const bytes = (text: string) => Buffer.from(text, 'base64')

/** Unpacks by Aries RFC 0019 with nothing but Askar's primitives. */
function unpack(envelope: Buffer, recipient: Key): { sender: string; message: unknown } {
  const { protected: protectedHeader, iv, ciphertext, tag } = JSON.parse(envelope.toString())
  const { recipients } = JSON.parse(bytes(protectedHeader).toString())
  const [{ encrypted_key, header }] = recipients
  const recipientKey = recipient.convertkey({ algorithm: shared.KeyAlgorithm.X25519 })
  const sealed = bytes(header.sender)
  const sender = Buffer.from(shared.CryptoBox.sealOpen({ recipientKey, ciphertext: sealed })).toString()
  const secretKey = shared.CryptoBox.open({
    recipientKey,
    senderKey: publicKey(sender),
    message: bytes(encrypted_key),
    nonce: bytes(header.iv),
  })
  const cek = shared.Key.fromSecretBytes({ algorithm: shared.KeyAlgorithm.Chacha20C20P, secretKey })
  const message = cek.aeadDecrypt({
    ciphertext: bytes(ciphertext),
    nonce: bytes(iv),
    tag: bytes(tag),
    aad: Buffer.from(protectedHeader),
  })
  return { sender, message: JSON.parse(Buffer.from(message).toString()) }
}

function publicKey(verkey: string): Key {
  const key = shared.Key.fromPublicBytes({ algorithm: shared.KeyAlgorithm.Ed25519, publicKey: base58Decode(verkey) })
  return key.convertkey({ algorithm: shared.KeyAlgorithm.X25519 })
}

describe('outside peer of the bench', () => {
  let recipient: Key
  let verkey: string

  before(async () => {
    await loadAskar({ binding: 'koffi' })
    recipient = shared.Key.generate(shared.KeyAlgorithm.Ed25519)
    verkey = base58Encode(recipient.publicBytes)
  })

  test('packs what its recipient can open, and says who sent it', async () => {
    const peer = await Peer.create('http://127.0.0.1:1/peer')
    const message = peer.basicMessage('grüße')
    assert.deepEqual(unpack(peer.pack(message, verkey), recipient), { sender: peer.verkey, message })
  })

  test('reads the sender of what is packed for it', async () => {
    const [one, other] = [await Peer.create('http://127.0.0.1:1/a'), await Peer.create('http://127.0.0.1:1/b')]
    assert.equal(other.senderOf(one.pack(one.trustPing(), other.verkey)), one.verkey)
  })

  test('reads the key that a did:key names', () => {
    assert.equal(
      keyOfDid(
        'did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH#z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH',
      ),
      'B12NYF8RrR3h41TDCTJojY59usg3mbtbjnFs7Eud1Y6u',
    )
    assert.throws(() => keyOfDid('did:web:example.com'), /No Ed25519 key/)
  })
})
