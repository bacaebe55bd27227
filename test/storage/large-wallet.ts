import type { Profile } from '../../src/storage/profile.js'
import type { Collector } from '../../src/storage/unit.js'

/** How much is written in one transaction. */
const BATCH = 1000
/** One record in so many has the rare tag. */
const RARE = 2000

/** Fills a wallet with so many records in one list, and as many events in its log, each of a commit of its own. */
export async function fillWallet(profile: Profile, count: number): Promise<void> {
  const [{ placeInList }, { journal }] = await Promise.all([
    import('../../src/storage/list.js'),
    import('../../src/events/log.js'),
  ])
  // A journal writes one entry a commit; with one for each event they lie there as after as many commits.
  const journals = Array.from({ length: BATCH }, () => journal({ publish() {}, uncertain() {} }))
  const value = JSON.stringify({ filler: 'x'.repeat(500) })
  for (let start = 0; start < count; start += BATCH) {
    await profile.transact(async (unit) => {
      for (let index = start; index < Math.min(start + BATCH, count); index++) {
        const { tags } = placeInList(unit.head, 'records', Date.now())
        const own = {
          state: index % 2 === 0 ? 'even' : 'odd',
          thread: `${index}`,
          ...(index % RARE === 0 ? { rare: 'yes' } : {}),
        }
        unit.insert({ category: 'record', name: `record-${index}`, value, tags: { ...own, ...tags } })
        const draft = { tenantId: 'tenant', topic: 'PING', dispatch: 'DEFAULT', payload: { value } } as const
        unit.add(journals[index % BATCH] as Collector<typeof draft>, draft)
      }
    })
  }
}

/** The looks that an API takes at a large wallet. @returns by name, how long the slowest of a few took (ms) */
export async function lookAround(profile: Profile, count: number): Promise<Record<string, number>> {
  const { readLog } = await import('../../src/events/log.js')
  const page = { category: 'record', list: 'records', filter: {}, limit: 21 }
  const log = async (query: { after: number; reverse?: boolean }) =>
    readLog(profile, { limit: 100, ...query }, await profile.head())
  const middle = Math.floor(count / 2)
  const looks: Record<string, () => Promise<unknown[]>> = {
    'first page': () => profile.list(page),
    'middle page': () => profile.list({ ...page, after: middle }),
    'last page': () => profile.list({ ...page, reverse: true }),
    'first page of half of them': () => profile.list({ ...page, filter: { state: 'odd' } }),
    'last page of half of them': () => profile.list({ ...page, filter: { state: 'odd' }, reverse: true }),
    'all of a rare kind': () => profile.list({ ...page, filter: { rare: 'yes' } }),
    'a page of what is not there': () => profile.list({ ...page, filter: { rare: 'no' } }),
    'one by a tag': () => profile.query('record', { thread: `${middle}` }),
    'one by name': async () => [await profile.fetch('record', `record-${middle}`)],
    'events after the start': () => log({ after: 0 }),
    'events after the middle': () => log({ after: middle }),
    'events near the end': () => log({ after: count - 50 }),
    'last events': () => log({ after: 0, reverse: true }),
  }
  const slowest: Record<string, number> = {}
  for (const [name, look] of Object.entries(looks)) {
    slowest[name] = 0
    for (let turn = 0; turn < 3; turn++) {
      const start = performance.now()
      const { length } = await look()
      slowest[name] = Math.max(slowest[name], performance.now() - start)
      if (length === 0 && !name.includes('not there')) throw new Error(`${name}: nothing was found`)
    }
  }
  return slowest
}
