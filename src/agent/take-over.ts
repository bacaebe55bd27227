import type { Session } from '@openwallet-foundation/askar-shared'
import { type Entry, sizeOf, type Tags } from '../storage/entry.js'
import { emptyHead, HEAD_CATEGORY, HEAD_NAME } from '../storage/head.js'
import { placeInList } from '../storage/list.js'
import { rowOf } from '../storage/rows.js'
import type { RecordJson, RecordObserver } from './ports.js'

/** A record of a type that somebody observes. */
interface Observed {
  entry: Entry
  json: RecordJson
  at: number
}

/**
 * Gives a wallet that Credo itself has written what ours have beside its records: places in lists, in the order in which
 * the records were made, tags that lists are filtered by, and the head. One that has a head has all of that already.
 * Nothing is told of records that were there before.
 * @returns the recipient keys by which peers reach the wallet, as its records have them
 */
export async function takeOver(session: Session, observers: readonly RecordObserver[]): Promise<string[]> {
  if (await session.fetch({ category: HEAD_CATEGORY, name: HEAD_NAME })) return []
  const head = { ...emptyHead(), rev: 1, bytes: 0, counts: {} as Record<string, number> }
  const keys = new Set<string>()
  const byType = new Map(observers.map((observer) => [observer.type, observer]))
  const observed: Observed[] = []
  for (const { category, name, value, tags } of await session.fetchAll({})) {
    const entry = { category, name, value: value as string, tags: (tags ?? {}) as Tags }
    head.counts[category] = (head.counts[category] ?? 0) + 1
    if (byType.has(category)) {
      const json = { ...(JSON.parse(entry.value) as object), id: name }
      observed.push({ entry, json, at: Date.parse(String((json as RecordJson)['createdAt'])) || 0 })
    } else head.bytes += sizeOf(entry)
  }
  observed.sort((a, b) => a.at - b.at || (a.entry.name < b.entry.name ? -1 : 1))
  for (const { entry, json, at } of observed) {
    const observer = byType.get(entry.category)
    const list = observer?.list?.(json)
    const place = list ? placeInList(head, list, at) : undefined
    const createdAt = new Date(place?.createdAt ?? at).toISOString()
    const changed: Entry = {
      ...entry,
      value: place ? JSON.stringify({ ...json, createdAt }) : entry.value,
      tags: { ...entry.tags, ...observer?.tags?.(json), ...place?.tags },
    }
    await session.replace(rowOf(changed))
    head.bytes += sizeOf(changed)
    for (const key of observer?.recipientKeys?.(json, entry.tags) ?? []) keys.add(key)
  }
  await session.insert({ category: HEAD_CATEGORY, name: HEAD_NAME, value: JSON.stringify(head) })
  return [...keys]
}
