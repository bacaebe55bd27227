import type { Tags } from '../storage/entry.js'

type TagValue = string | boolean | string[] | null | undefined

/**
 * Credo's encoding of a record's tags in Askar, kept as it is so that wallets can move to and from other agents on
 * Credo: `true` is `1`, the text `1` is `n__1`, and a list is one tag `name:value` = `1` for each of its values.
 */
export function fromTagValues(values: Record<string, TagValue>): Tags {
  const tags: Tags = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) continue
    if (typeof value === 'boolean') tags[name] = value ? '1' : '0'
    else if (Array.isArray(value)) for (const item of value) tags[`${name}:${item}`] = '1'
    else tags[name] = value === '1' || value === '0' ? `n__${value}` : value
  }
  return tags
}

export function toTagValues(tags: Tags): Record<string, TagValue> {
  const values: Record<string, TagValue> = {}
  for (const [name, value] of Object.entries(tags)) {
    const colon = name.indexOf(':')
    if (value === '1' && colon > 0) {
      const list = name.slice(0, colon)
      values[list] = [...((values[list] as string[] | undefined) ?? []), name.slice(colon + 1)]
    } else if (value === '1' || value === '0') values[name] = value === '1'
    else if (value === 'n__1' || value === 'n__0') values[name] = value.slice(3)
    else values[name] = value as string
  }
  return values
}

/** A Credo query as Askar's WQL, over tags encoded as above. */
export function queryFrom({ $and, $or, $not, ...tags }: Record<string, unknown>): Record<string, unknown> {
  const each = (queries: unknown) => (queries as Record<string, unknown>[]).map(queryFrom)
  return {
    ...fromTagValues(tags as Record<string, TagValue>),
    ...($and ? { $and: each($and) } : {}),
    ...($or ? { $or: each($or) } : {}),
    ...($not ? { $not: queryFrom($not as Record<string, unknown>) } : {}),
  }
}
