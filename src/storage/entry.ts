/** Encrypted tags of an entry: name to value, or to several values. */
export type Tags = Record<string, string | string[]>

/** One stored thing, as it lies in a profile: `value` is JSON text. */
export interface Entry {
  category: string
  name: string
  value: string
  tags: Tags
}

/**
 * A query over tags in Askar's WQL: equality by tag name, and `$and`, `$or`, `$not`, `$in`, `$neq`, `$exist`.
 * Ranges (`$gt` …) are left out on purpose: on encrypted tags they compare ciphertext and give wrong rows.
 */
export type TagQuery = { [tag: string]: unknown }

export const entryKey = (category: string, name: string) => `${category}\0${name}`

/** Tag names that the storage layer keeps for itself; a record never sees them. */
export const RESERVED_TAG = /^_/

/** The tags of `tags` that belong to the storage layer. */
export function reservedTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => RESERVED_TAG.test(name)))
}

/** The tags of `tags` that belong to the record. */
export function ownTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => !RESERVED_TAG.test(name)))
}

/** Categories of the storage's own: the head, the log, the outbox. They do not count as the wallet's. */
export const OWN_CATEGORY = /^_/

/** Bytes that an entry counts for: its text, as it is before it is encrypted. */
export function sizeOf({ category, name, value, tags }: Entry): number {
  let size = category.length + name.length + Buffer.byteLength(value)
  for (const [tag, content] of Object.entries(tags)) {
    for (const one of Array.isArray(content) ? content : [content]) size += tag.length + Buffer.byteLength(one)
  }
  return size
}
