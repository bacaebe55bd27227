import { sha256 } from '../lib/ids.js'

/** An envelope of DIDComm v1 (Aries RFC 0019) as it arrived; nothing in it is decrypted. */
export interface Envelope {
  /** The parsed JSON, to be opened by the wallet: what belongs to an envelope, and nothing else that came with it. */
  json: Record<string, unknown>
  /** Recipient keys of the protected header, base58, at most a few. */
  recipientKeys: string[]
  /** The same for the same sealed bytes, whatever the JSON around them looks like. */
  digest: string
  /** Its length as it came. */
  bytes: number
}

/** More recipients than any agent writes; each costs a look-up. */
const RECIPIENTS_MAX = 20

/** Reads the outside of an envelope. @returns undefined where it is none */
export function parseEnvelope(body: Buffer): Envelope | undefined {
  const json = parseObject(body.toString())
  if (!json) return undefined
  const { protected: header, iv, ciphertext, tag } = json
  if (![header, iv, ciphertext, tag].every((part) => typeof part === 'string' && part !== '')) return undefined
  const { recipients } = parseObject(Buffer.from(header as string, 'base64url').toString()) ?? {}
  if (!Array.isArray(recipients) || recipients.length === 0 || recipients.length > RECIPIENTS_MAX) return undefined
  const recipientKeys = recipients.map((recipient) => recipient?.header?.kid as unknown)
  if (!recipientKeys.every((key): key is string => typeof key === 'string' && key.length > 0 && key.length < 200)) {
    return undefined
  }
  const digest = sha256(`${header}.${iv}.${ciphertext}.${tag}`).subarray(0, 12).toString('base64url')
  return { json: { protected: header, iv, ciphertext, tag }, recipientKeys, digest, bytes: body.length }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
