import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { encodeCursor } from '../../src/events/cursor.js'
import { EventHub } from '../../src/events/hub.js'
import { openStream } from '../../src/events/stream.js'
import { tenantLocked } from '../../src/lib/errors.js'
import type { Profile } from '../../src/storage/profile.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { some, trim, write } from './logs.js'

/** More than are read of the past at once. */
const PAST = 450

describe('an event stream', () => {
  let place: StorePlace
  let profile: Profile
  let hub: EventHub
  beforeEach(async () => {
    place = await openPlace('sqlite')
    profile = place.profile()
    hub = new EventHub()
    await write(profile, some(PAST))
  })
  afterEach(() => place?.remove())
  const open = () =>
    openStream(hub, {
      profile,
      after: encodeCursor({ log: profile.name, seq: 0 }),
      matches: () => true,
      capacity: 10,
    })

  test('gives nothing from behind the past that it has not read, where it is ended meanwhile', async () => {
    const { events, end } = await open()
    assert.equal((await events.next()).value?.seq, 1)
    await write(profile, some(5), (log, written) => hub.publish(log, written))
    end(tenantLocked())
    await assert.rejects(events.next(), { code: 'TENANT_LOCKED' })
    assert.deepEqual(hub.followed, [])
  })

  test('ends where the past that it has not read is trimmed', async () => {
    const { events } = await open()
    const seen = [(await events.next()).value?.seq]
    await trim(place)
    const read = async () => {
      for await (const { seq } of events) {
        seen.push(seq)
        if (seq === PAST) break
      }
    }
    await assert.rejects(read, { code: 'CURSOR_EXPIRED' })
    assert.deepEqual(
      seen,
      seen.map((_, index) => index + 1),
    )
    assert.deepEqual(hub.followed, [])
  })

  test('ends where what follows live is trimmed before it is read, after all that came before it', async () => {
    const { events } = await openStream(hub, { profile, matches: () => true, capacity: 10 })
    await write(profile, some(1), (log, written) => hub.publish(log, written))
    await write(place.profile(), some(250))
    await trim(place)
    hub.wake(profile.name, PAST + 251)
    assert.equal((await events.next()).value?.seq, PAST + 1)
    await assert.rejects(events.next(), { code: 'CURSOR_EXPIRED' })
    assert.deepEqual(hub.followed, [])
  })
})
