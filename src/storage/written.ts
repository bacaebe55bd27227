import type { Session } from '@openwallet-foundation/askar-shared'
import { allOf } from '../lib/all-of.js'
import { type Change, categoryOf, type KeyChange } from './change.js'
import { entryKey } from './entry.js'
import type { Head } from './head.js'
import { applyChange, applyKey, writeHead } from './rows.js'

type Written = Exclude<Change, { op: 'append' }>
type OfEntry = Exclude<Written, { op: 'clear' }>

/**
 * Writes what a transaction is for, and the head over the one of `rev`. The store is handed all of it at once and takes it
 * one by one: to wait for each before the next would cost the event loop a round for each.
 */
export async function writeAll(
  session: Session,
  { keys, changes, rev, head }: { keys: readonly KeyChange[]; changes: readonly Written[]; rev: number; head: Head },
): Promise<void> {
  const steps = stepsOf(changes)
  const last = steps.pop() ?? []
  for (const step of steps) await allOf(step.map((change) => applyChange(session, change)))
  // Nothing is to be under way when the transaction ends.
  await allOf([
    ...keys.map((change) => applyKey(session, change)),
    ...last.map((change) => applyChange(session, change)),
    writeHead(session, rev, head),
  ])
}

/** Changes that may be written in any order, step by step: what is removed by a query stands alone. */
function stepsOf(changes: readonly Written[]): Written[][] {
  const steps: Written[][] = []
  let step = new Map<string, OfEntry>()
  const end = () => {
    if (step.size > 0) steps.push([...step.values()])
    step = new Map()
  }
  for (const change of changes) {
    if (change.op === 'clear') {
      end()
      steps.push([change])
      continue
    }
    const key = entryKey(categoryOf(change), 'entry' in change ? change.entry.name : change.name)
    const before = step.get(key)
    const both = before ? merged(before, change) : change
    if (both) step.set(key, both)
    else step.delete(key)
  }
  end()
  return steps
}

/** What two changes of one entry, one after the other, come to; nothing where it came and went. */
function merged(first: OfEntry, second: OfEntry): OfEntry | undefined {
  if (second.op === 'remove') return first.op === 'insert' ? undefined : second
  if (first.op === 'remove') return { ...second, op: 'replace' }
  return { ...second, op: first.op }
}
