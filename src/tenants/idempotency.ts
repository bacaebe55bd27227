import { conflict } from '../lib/errors.js'
import { sha256 } from '../lib/ids.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'

const CATEGORY = 'idempotency'
const KEPT_MS = 24 * 60 * 60_000
/** How many are removed in one unit. */
const TRIMMED_AT_ONCE = 200

const dayOf = (ms: number) => `${Math.floor(ms / KEPT_MS)}`
const nameOf = (operation: string, key: string) => sha256(JSON.stringify([operation, key])).toString('base64url')

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
  const name = nameOf(operation, input.idempotencyKey)
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
  const at = Date.now()
  const value = JSON.stringify({ fingerprint, at, result })
  const entry = { category: CATEGORY, name, value, tags: { day: dayOf(at) } }
  if (known) await unit.replace(entry)
  else unit.insert(entry)
  return result
}

/** Forgets what one mutation has left, as what it made is gone. */
export async function forgetOnce(unit: Unit, operation: string, key: string): Promise<void> {
  await unit.remove(CATEGORY, nameOf(operation, key))
}

/** Removes what no repeat can ask for any more. */
export async function trimIdempotency(profile: Profile): Promise<void> {
  const now = Date.now()
  const kept = { day: { $in: [dayOf(now), dayOf(now - KEPT_MS)] } }
  for (;;) {
    const old = await profile.query(CATEGORY, { $not: kept }, TRIMMED_AT_ONCE)
    if (old.length === 0) return
    await profile.transact(async (unit) => {
      for (const { name } of old) await unit.remove(CATEGORY, name)
    })
  }
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
