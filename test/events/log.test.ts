import 'reflect-metadata'
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { decodeCursor, encodeCursor } from '../../src/events/cursor.js'
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

  test('tells a reader that asks for what came before an event that is trimmed so, and not that there is nothing', async () => {
    const profile = place.profile()
    const service = new EventService({ base: profile } as never, new EventHub(), {} as never, {} as never, 10)
    const seqsBefore = async (seq: number) => {
      const before = encodeCursor({ log: profile.name, seq })
      const { nodes } = await service.page(undefined, { before, last: 20 }, {})
      return nodes.map(({ cursor }) => decodeCursor(cursor, profile.name, 'before'))
    }
    assert.deepEqual(await seqsBefore(0), [])
    await write(profile, some(450))
    for (const [before, seqs] of [
      [0, []],
      [1, []],
      [3, [1, 2]],
    ] as const) {
      assert.deepEqual(await seqsBefore(before), seqs)
    }
    await trim(place)
    assert.deepEqual(await seqsBefore(402), [400, 401])
    // It is there itself, and what is kept begins with it.
    assert.deepEqual(await seqsBefore(400), [])
    for (const gone of [0, 50, 399, 999]) await assert.rejects(seqsBefore(gone), { code: 'CURSOR_EXPIRED' })
  })

  test('is not followed for one that is gone once its stream is open', async () => {
    const profile = place.profile()
    const hub = new EventHub()
    const found = [{ id: 'tenant' }, undefined]
    const tenants = { find: async () => found.shift() }
    const lifecycle = { copyLifecycle: async () => {} }
    const service = new EventService({ of: () => profile } as never, hub, tenants as never, lifecycle as never, 10)
    await assert.rejects(service.open('tenant', undefined, {}), { code: 'UNAUTHENTICATED' })
    assert.deepEqual(hub.followed, [])
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
