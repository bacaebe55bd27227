import { type Change, categoryOf } from './change.js'
import { entryKey } from './entry.js'

type Written = Exclude<Change, { op: 'append' }>
type OfEntry = Exclude<Written, { op: 'clear' }>

/** What is to be written where several units have changed one entry: each entry once, in between what is removed by a query. */
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
    if (both) since.set(key, both)
    else since.delete(key)
  }
  end()
  return merged
}

/** What two changes of one entry, one after the other, come to; nothing where it came and went. */
function mergeTwo(first: OfEntry, second: OfEntry): OfEntry | undefined {
  if (second.op === 'remove') return first.op === 'insert' ? undefined : second
  if (first.op === 'remove') return { ...second, op: 'replace' }
  return { ...second, op: first.op }
}
