import { conflict } from '../lib/errors.js'
import { sha256 } from '../lib/ids.js'
import type { Unit } from '../storage/unit.js'

const CATEGORY = 'idempotency'
const KEPT_MS = 24 * 60 * 60_000

/**
 * Makes a mutation with an `idempotencyKey` one mutation: a repeat with the same input within 24 hours gets what the
 * first one left, read in the same unit of work that would have done it again.
 * @throws CONFLICT where the key was used with other input
 */
export async function once<T>(
  unit: Unit,
  operation: string,
  input: { idempotencyKey?: string | null },
  work: () => Promise<T>,
): Promise<T> {
  if (!input.idempotencyKey) return work()
  const name = sha256(JSON.stringify([operation, input.idempotencyKey])).toString('base64url')
  const fingerprint = sha256(canonical(input)).toString('base64url')
  const known = await unit.fetch(CATEGORY, name)
  const first = known && (JSON.parse(known.value) as { fingerprint: string; at: number; result: T })
  if (first && first.at > Date.now() - KEPT_MS) {
    if (first.fingerprint !== fingerprint) {
      throw conflict('This idempotency key was used with other input. Use a new one.', 'input.idempotencyKey')
    }
    return first.result
  }
  const result = await work()
  const entry = { category: CATEGORY, name, value: JSON.stringify({ fingerprint, at: Date.now(), result }), tags: {} }
  if (known) await unit.replace(entry)
  else unit.insert(entry)
  return result
}

/** JSON with sorted keys, so that the order in which a client writes its fields does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join()}}`
}
