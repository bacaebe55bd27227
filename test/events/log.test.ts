import 'reflect-metadata'
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { encodeCursor } from '../../src/events/cursor.js'
import { EventHub } from '../../src/events/hub.js'
import { EventService } from '../../src/streams/event.service.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { some, trim, write } from './logs.js'

const DAY_MS = 24 * 60 * 60_000

describe('an event log', () => {
  let place: StorePlace
  beforeEach(async () => {
    place = await openPlace('sqlite')
  })
  afterEach(() => place?.remove())

  test('tells a reader whose place is trimmed as it reads that its cursor is too old', async () => {
    const profile = place.profile()
    await write(profile, some(450))
    const headOf = profile.head.bind(profile)
    let reads = 0
    profile.head = async () => {
      const head = await headOf()
      if (++reads === 1) await trim(place)
      return head
    }
    // The base stream asks nothing of tenants.
    const service = new EventService({ base: profile } as never, new EventHub(), {} as never, {} as never, 10)
    const after = encodeCursor({ log: profile.name, seq: 50 })
    await assert.rejects(service.page(undefined, { after, first: 20 }, {}), { code: 'CURSOR_EXPIRED' })
    // Whoever has no cursor begins with what is there.
    const { nodes } = await service.page(undefined, { first: 1 }, {})
    assert.equal(nodes[0]?.cursor, encodeCursor({ log: profile.name, seq: 400 }))
  })

  test('keeps a page as long as anything in it is young, whatever it ends with', async () => {
    const profile = place.profile()
    const occurredAt = new Date(Date.now() - 2 * DAY_MS).toISOString()
    const old = some(100).map(() => ({ occurredAt }))
    await write(profile, [...old.slice(1), ...some(99), { occurredAt }, ...some(1)])
    await trim(place, DAY_MS)
    assert.equal((await profile.head()).first, 100)
  })
})
