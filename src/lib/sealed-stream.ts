import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { ByteReader } from './byte-reader.js'

/**
 * A stream of any length under one key: a header (a mark, and a salt by which the key of this one stream is made), then
 * frames of AES-256-GCM, each with its number and whether it is the last in its nonce. So nothing can be changed, left
 * out, put elsewhere or cut off without it being found, and what is given out has been checked.
 */
const MARK = Buffer.from('tenantry-sealed1')
const SALT = 16
const FRAME = 64 * 1024
const TAG = 16

/** It is no such stream, not under this key, or was changed or cut off: these cannot be told apart. */
export class SealedStreamError extends Error {
  constructor(cause?: unknown) {
    super('The stream does not open by this key, or is damaged', { cause })
  }
}

/** How long a stream of `length` bytes is, sealed. */
export const sealedLength = (length: number) =>
  MARK.length + SALT + length + Math.max(Math.ceil(length / FRAME), 1) * TAG

/** Seals a stream under a key of 32 bytes. */
export async function* seal(key: Uint8Array, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT)
  yield Buffer.concat([MARK, salt])
  const frameKey = keyOf(key, salt)
  const reader = new ByteReader(source)
  let frame = await reader.upTo(FRAME)
  for (let number = 0; ; number++) {
    const next = await reader.upTo(FRAME)
    const cipher = createCipheriv('aes-256-gcm', frameKey, nonceOf(number, next.length === 0))
    yield Buffer.concat([cipher.update(frame), cipher.final(), cipher.getAuthTag()])
    if (next.length === 0) return
    frame = next
  }
}

/** Opens what {@link seal} has sealed. What it gives is genuine, but whole only once it has ended. @throws SealedStreamError */
export async function* unseal(key: Uint8Array, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const reader = new ByteReader(source)
  const head = await reader.upTo(MARK.length + SALT)
  if (head.length < MARK.length + SALT || !head.subarray(0, MARK.length).equals(MARK)) throw new SealedStreamError()
  const frameKey = keyOf(key, head.subarray(MARK.length))
  let frame = await reader.upTo(FRAME + TAG)
  for (let number = 0; ; number++) {
    const next = await reader.upTo(FRAME + TAG)
    yield open(frameKey, nonceOf(number, next.length === 0), frame)
    if (next.length === 0) return
    frame = next
  }
}

function open(key: Uint8Array, nonce: Buffer, frame: Buffer): Buffer {
  if (frame.length < TAG) throw new SealedStreamError()
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
    decipher.setAuthTag(frame.subarray(-TAG))
    return Buffer.concat([decipher.update(frame.subarray(0, -TAG)), decipher.final()])
  } catch (error) {
    throw new SealedStreamError(error)
  }
}

const keyOf = (key: Uint8Array, salt: Uint8Array) =>
  new Uint8Array(hkdfSync('sha256', key, salt, 'tenantry sealed stream', 32))

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(number, 7)
  nonce[11] = last ? 1 : 0
  return nonce
}
