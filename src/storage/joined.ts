import type { Change } from './change.js'
import type { Entry, Tags } from './entry.js'
import { entryFrom, type Row } from './rows.js'

/** What a row of entries of a list begins with: each of them has its number, and its tags, within. */
const LISTED = '[{"_n":'

/**
 * What is appended to a log is written as one row where it is of one transaction and one page, for a row costs a statement
 * for itself and one for each tag. It has the values of all in a list, the name of the first, and each tag of any.
 */
export function joinAppended(changes: readonly Change[]): Exclude<Change, { op: 'append' }>[] {
  const pages = new Map<string, Entry[]>()
  const written: Exclude<Change, { op: 'append' }>[] = []
  for (const change of changes) {
    if (change.op !== 'append') {
      written.push(change)
      continue
    }
    const page = `${change.entry.category} ${change.entry.tags['_p']}`
    pages.set(page, [...(pages.get(page) ?? []), change.entry])
  }
  for (const entries of pages.values()) written.push({ op: 'insert', entry: joined(entries) })
  return written
}

function joined(entries: readonly Entry[]): Entry {
  const { category, name } = entries[0] as Entry
  const tags: Record<string, string[]> = {}
  for (const { tags: own } of entries) {
    for (const [tag, value] of Object.entries(own)) {
      if (tag !== '_n') tags[tag] = [...new Set([...(tags[tag] ?? []), ...[value].flat()])]
    }
  }
  return { category, name, value: `[${entries.map(elementOf).join(',')}]`, tags }
}

function elementOf({ value, tags: { _n: number, ...tags } }: Entry): string {
  return number === undefined ? value : `{"_n":${number},"_t":${JSON.stringify(tags)},${value.slice(1)}`
}

/** The entries of a list that a row holds: itself, or those that were joined in it, each with its own number and tags. */
export function listedIn(row: Row): Entry[] {
  const entry = entryFrom(row)
  if (!entry.value.startsWith(LISTED)) return [entry]
  return (JSON.parse(entry.value) as { _n: number; _t: Tags }[]).map(({ _n, _t, ...value }) => ({
    ...entry,
    value: JSON.stringify(value),
    tags: { ..._t, _n: `${_n}` },
  }))
}
