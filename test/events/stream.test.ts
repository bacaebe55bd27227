import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { encodeCursor } from '../../src/events/cursor.js'
import { EventHub } from '../../src/events/hub.js'
import { openStream } from '../../src/events/stream.js'
import { tenantLocked } from '../../src/lib/errors.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { some, write } from './logs.js'

/** More than are read of the past at once. */
const PAST = 450

describe('an event stream', () => {
  let place: StorePlace
  before(async () => {
    place = await openPlace('sqlite')
    await write(place.profile(), some(PAST))
  })
  after(() => place?.remove())

  test('gives nothing from behind the past that it has not read, where it is ended meanwhile', async () => {
    const hub = new EventHub()
    const profile = place.profile()
    const { events, end } = await openStream(hub, {
      profile,
      after: encodeCursor({ log: profile.name, seq: 0 }),
      matches: () => true,
      capacity: 10,
    })
    assert.equal((await events.next()).value?.seq, 1)
    await write(profile, some(5), (log, written) => hub.publish(log, written))
    end(tenantLocked())
    await assert.rejects(events.next(), { code: 'TENANT_LOCKED' })
    assert.deepEqual(hub.followed, [])
  })
})
