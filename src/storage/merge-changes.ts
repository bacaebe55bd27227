import { type Change, categoryOf } from './change.js'
import { entryKey } from './entry.js'

type Written = Exclude<Change, { op: 'append' }>
type OfEntry = Exclude<Written, { op: 'clear' }>

/**
 * What is to be written where several units have changed one entry: once, where that leaves the store as much to refuse.
 * An insert is always written, as whoever made it may have taken the entry to be absent without a look.
 */
export function mergeChanges(changes: readonly Written[]): Written[] {
  const merged: Written[] = []
  let since = new Map<string, OfEntry>()
  const end = () => {
    merged.push(...since.values())
    since = new Map()
  }
  for (const change of changes) {
    if (change.op === 'clear') {
      end()
      merged.push(change)
      continue
    }
    const key = entryKey(categoryOf(change), 'entry' in change ? change.entry.name : change.name)
    const before = since.get(key)
    const both = before ? mergeTwo(before, change) : change
    if (!both) end()
    since.set(key, both ?? change)
  }
  end()
  return merged
}

/** What two changes of one entry, one after the other, come to; undefined where both have to be written. */
function mergeTwo(first: OfEntry, second: OfEntry): OfEntry | undefined {
  if (second.op === 'replace' && first.op !== 'remove') return { ...second, op: first.op }
  return second.op === 'remove' && first.op === 'replace' ? second : undefined
}
