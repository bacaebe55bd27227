import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { LoggedEvent } from '../../src/events/event.js'
import { EventHub } from '../../src/events/hub.js'
import { deferred } from '../../src/lib/deferred.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { some, write } from './logs.js'

describe('an event hub', () => {
  let place: StorePlace
  beforeEach(async () => {
    place = await openPlace('sqlite')
  })
  afterEach(() => place?.remove())

  for (const from of ['here', 'another instance']) {
    test(`gives all that join at once what follows their heads, once, whichever is answered first, from ${from}`, async () => {
      const hub = new EventHub()
      const profile = place.profile()
      const publish = (log: string, events: LoggedEvent[]) => hub.publish(log, events)
      await write(profile, some(10), publish)
      // The first that joins, and whose profile is read from, gets each head that it asks for as the test lets it.
      const early = place.profile()
      const heads = [1, 2].map(() => ({ isRead: deferred(), mayAnswer: deferred() }))
      const headOf = early.head.bind(early)
      let asked = 0
      early.head = async () => {
        const answer = heads[asked++]
        const head = await headOf()
        answer?.isRead.resolve()
        await answer?.mayAnswer.promise
        return head
      }
      const seen: Record<'early' | 'late', number[]> = { early: [], late: [] }
      const hasAll = deferred()
      const joining = hub.join(
        early,
        ({ seq }) => {
          seen.early.push(seq)
          if (seq === 14) hasAll.resolve()
        },
        () => {},
      )
      await heads[0]?.isRead.promise
      await write(profile, some(2), publish)
      const later = await hub.join(
        profile,
        ({ seq }) => seen.late.push(seq),
        () => {},
      )
      await write(profile, some(1), from === 'here' ? publish : (log) => hub.wake(log, 13))
      heads[0]?.mayAnswer.resolve()
      const earlier = await joining
      heads[1]?.mayAnswer.resolve()
      await write(profile, some(1), publish)
      await hasAll.promise
      assert.deepEqual([earlier.head.seq, later.head.seq], [10, 12])
      assert.deepEqual(seen, { early: [11, 12, 13, 14], late: [13, 14] })
    })
  }
})
