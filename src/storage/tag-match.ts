import type { TagQuery, Tags } from './entry.js'

/**
 * Whether tags match a query, by the rules of Askar's WQL. A unit of work answers queries with it for entries that it
 * has changed and not yet written.
 */
export function matchesTags(tags: Tags, query: TagQuery): boolean {
  return Object.entries(query).every(([name, condition]) => {
    if (condition === undefined) return true
    if (name === '$and') return (condition as TagQuery[]).every((part) => matchesTags(tags, part))
    if (name === '$or') return (condition as TagQuery[]).some((part) => matchesTags(tags, part))
    if (name === '$not') return !matchesTags(tags, condition as TagQuery)
    if (name === '$exist') return [condition].flat().every((tag) => valuesOf(tags[tag as string]).length > 0)
    return matchesValue(valuesOf(tags[name]), condition)
  })
}

/** Whether all of a query is Unicode text. A lone surrogate is in no tag, and Askar refuses queries that have one. */
export function isText(query: unknown): boolean {
  if (typeof query === 'string') return !/\p{Cs}/u.test(query)
  return typeof query !== 'object' || query === null || Object.values(query).every(isText)
}

const valuesOf = (tag: string | string[] | undefined) => (tag === undefined ? [] : [tag].flat())

function matchesValue(values: string[], condition: unknown): boolean {
  if (typeof condition === 'string') return values.includes(condition)
  const [[operator, operand] = ['', undefined]] = Object.entries(condition as Record<string, unknown>)
  if (operator === '$in') return values.some((value) => (operand as string[]).includes(value))
  // Of a tag with several values one that differs is enough.
  if (operator === '$neq') return values.some((value) => value !== operand)
  throw new Error(`a tag query cannot use ${operator}`)
}
