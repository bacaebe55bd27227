import type { Entry, TagQuery, Tags } from './entry.js'

/**
 * Tags of Credo's records that nobody looks for but beside others, by category. A tag is a statement of its own at each
 * write of its entry, so these lie with the value; a query for them is answered here, from what the others find.
 */
const ASIDE: Readonly<Record<string, readonly string[]>> = {
  DidRecord: ['role', 'method', 'methodSpecificIdentifier'],
  ConnectionRecord: ['role'],
  OutOfBandRecord: ['threadId'],
}
/** Whose entries in lists have all tags: the lists are filtered by them. */
const FILTERED = 'DidRecord'

/** The tags of an entry, those that the store is to know and those that it is not; undefined where it is to know all. */
export function setAside({ category, tags }: Entry): { asked: Tags; aside: [string, string][] } | undefined {
  const names = ASIDE[category]
  if (!names || (category === FILTERED && '_p' in tags)) return undefined
  const aside: [string, string][] = []
  const asked: Tags = {}
  for (const [name, value] of Object.entries(tags)) {
    if (names.includes(name) && typeof value === 'string') aside.push([name, value])
    else asked[name] = value
  }
  return { asked, aside }
}

/** What of a query the store can be asked: whatever matches the query matches that too. The query itself where it is all. */
export function askable(category: string, query: TagQuery): TagQuery {
  const names = ASIDE[category]
  if (!names || !mentions('$and', [query], names)) return query
  const asked = Object.entries(query).flatMap(([name, condition]): [string, unknown][] => {
    if (!mentions(name, condition, names)) return [[name, condition]]
    if (name === '$and') return [[name, (condition as TagQuery[]).map((part) => askable(category, part))]]
    if (name !== '$or') return []
    const parts = (condition as TagQuery[]).map((part) => askable(category, part))
    return parts.some((part) => Object.keys(part).length === 0) ? [] : [[name, parts]]
  })
  return Object.fromEntries(asked)
}

function mentions(name: string, condition: unknown, names: readonly string[]): boolean {
  if (!name.startsWith('$')) return names.includes(name)
  return [condition]
    .flat()
    .some((part) =>
      typeof part === 'string'
        ? names.includes(part)
        : Object.entries((part ?? {}) as TagQuery).some(([inner, value]) => mentions(inner, value, names)),
    )
}
