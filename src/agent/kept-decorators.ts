import { defaultMetadataStorage as storage } from 'class-transformer/cjs/storage.js'

const LOOKUPS = [
  'findTypeMetadata',
  'findTransformMetadatas',
  'findExposeMetadata',
  'findExposeMetadataByCustomName',
  'getExposedProperties',
  'getExcludedProperties',
] as const

/** Peers choose the names of what they send: of each class no more than this is kept. */
const KEPT_MAX = 200

/**
 * What the decorators of a class say does not change once it is defined; class-transformer gathers it anew for each
 * property of each object, through all that the class inherits from.
 */
for (const lookup of LOOKUPS) {
  const gather = storage[lookup].bind(storage)
  const kept = new WeakMap<object, Map<string, unknown>>()
  storage[lookup] = (target, ...how) => {
    if (!target) return gather(target, ...how)
    const known = kept.get(target) ?? new Map<string, unknown>()
    const key = how.join('/')
    if (known.has(key)) return known.get(key)
    const found = gather(target, ...how)
    if (known.size < KEPT_MAX) kept.set(target, known.set(key, found))
    return found
  }
}
