/** Messages in which mediators hand over what they hold (Aries RFC 0685 and 0212). */
const DELIVERY = /\/messagepickup\/2\.\d+\/delivery$/
const BATCH = /\/messagepickup\/1\.\d+\/batch$/

type Json = Record<string, unknown>

/**
 * Leaves of each message that a mediator hands over what belongs to an envelope. Anybody can have written it, and it is
 * looked through once it is opened: until then one that no agent writes must not keep back those beside it.
 */
export function reducePickedUp(message: unknown): void {
  if (!isObject(message) || typeof message['@type'] !== 'string') return
  if (DELIVERY.test(message['@type']))
    for (const part of objectsIn(message['~attach'])) part['data'] = { json: envelopeIn(part['data']) }
  if (BATCH.test(message['@type']))
    for (const part of objectsIn(message['messages~attach'])) part['message'] = envelopeOf(part['message'])
}

function envelopeIn(data: unknown): Json {
  if (!isObject(data)) return {}
  return envelopeOf(typeof data['base64'] === 'string' ? parsed(data['base64']) : data['json'])
}

function envelopeOf(value: unknown): Json {
  if (!isObject(value)) return {}
  const parts = ['protected', 'iv', 'ciphertext', 'tag'].map((name) => [name, value[name]] as const)
  return Object.fromEntries(parts.filter(([, part]) => typeof part === 'string'))
}

function parsed(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString())
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const objectsIn = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : [])
