import type { WriteRequest } from './messages.js'

/**
 * What the author of a request signs, as indy-plenum has it: names in the order of their bytes, and values without quotes.
 * Attributes of a DID (ATTRIB), of which it has the hash of the value, are not among what is written here.
 */
export function signatureInput({ signature: _, ...request }: WriteRequest): string {
  return written(request)
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.map(written).join(',')
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return String(value)
  return Object.entries(value ?? {})
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, one]) => `${name}:${written(one)}`)
    .join('|')
}

/**
 * What to sign, where the library and we agree about it: a wallet signs nothing that it would not have written itself.
 * @throws Error where they do not
 */
export function agreedInput(request: WriteRequest, said: unknown): Buffer {
  if (said === signatureInput(request)) return Buffer.from(said)
  throw new Error('Indy VDR would have something else signed than what is to be written')
}
