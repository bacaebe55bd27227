import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { BaseFeed } from '../../src/events/base-feed.js'
import { journal, readLog } from '../../src/events/log.js'
import { deferred } from '../../src/lib/deferred.js'
import { tenantLocked } from '../../src/lib/errors.js'
import type { Profiles } from '../../src/storage/profiles.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { eventually } from '../support/talk.js'
import { write } from './logs.js'

describe('the feed of the base stream', () => {
  let place: StorePlace
  let profiles: Profiles
  let feed: BaseFeed
  /** What is told to have failed; nothing is unless a test says so. */
  let failed: (tenantIds: string[], error: unknown) => void
  beforeEach(async () => {
    place = await openPlace('sqlite')
    const { Profiles } = await import('../../src/storage/profiles.js')
    profiles = new Profiles(place.store)
    feed = new BaseFeed(
      profiles,
      journal({ publish() {}, uncertain() {} }),
      async () => true,
      (tenantIds, error) => failed(tenantIds, error),
    )
    failed = (_tenantIds, error) => assert.fail(error as Error)
  })
  afterEach(() => place?.remove())

  const tell = (n: number, profile = place.profile()) =>
    write(profile, [{ dispatch: 'BASE', payload: { n } }], (log, events) => feed.push(log, events))

  /** Has the log of the wallet fail whoever reads it, and notes whose copy is told to have failed. */
  function breakLog(): { told: string[][]; mend: () => void } {
    const { locate } = profiles
    const broken = place.profile().name
    profiles.locate = (wallet, work) =>
      wallet === broken ? Promise.reject(new Error('This log cannot be read')) : locate(wallet, work)
    const told: string[][] = []
    failed = (tenantIds) => void told.push(tenantIds)
    return { told, mend: () => Object.assign(profiles, { locate }) }
  }

  /** Locks the wallet, and unlocks it as somebody wants to read it, who is still told that it is locked. */
  function lockUntilRead(unlocked: () => Promise<void>): void {
    const { locate } = profiles
    profiles.locate = async () => {
      profiles.locate = locate
      await unlocked()
      throw tenantLocked()
    }
  }

  async function copied(): Promise<unknown[]> {
    await feed.idle()
    const events = await readLog(profiles.base, { after: 0, limit: 10 }, await profiles.base.head())
    return events.map(({ payload }) => payload['n'])
  }

  test('copies what it could not read while the wallet was locked, before what comes after the unlock', async () => {
    lockUntilRead(async () => {})
    await tell(1)
    assert.deepEqual(await copied(), [])
    await tell(2)
    assert.deepEqual(await copied(), [1, 2])
  })

  test('copies it also where the next comes as it finds the wallet locked', async () => {
    lockUntilRead(() => tell(2))
    await tell(1)
    assert.deepEqual(await copied(), [1, 2])
  })

  test('copies what others tell while the log of one cannot be read, and that as soon as it can', async () => {
    const { told, mend } = breakLog()
    await place.store.createProfile('other')
    // What was told elsewhere before: the log is read.
    await write(place.profile(), [{ dispatch: 'BASE', payload: { n: 1 } }])
    await tell(2)
    await tell(3, profiles.of('other'))
    assert.deepEqual(await copied(), [3])
    await tell(4)
    assert.deepEqual(await copied(), [3])
    assert.deepEqual(told, [[place.profile().name]])
    assert.ok(feed.isPending(place.profile().name))
    mend()
    await eventually(async () => !feed.isPending(place.profile().name))
    assert.deepEqual(await copied(), [3, 1, 2, 4])
  })

  test('is done with a log that cannot be read, for now, and ends', async () => {
    const { told, mend } = breakLog()
    await write(place.profile(), [{ dispatch: 'BASE', payload: { n: 1 } }])
    const { name } = place.profile()
    await feed.recover(name)
    assert.deepEqual(told, [[name]])
    mend()
    await feed.recover(name)
    assert.deepEqual(await copied(), [1])
    breakLog()
    await tell(2)
    await write(place.profile(), [{ dispatch: 'BASE', payload: { n: 3 } }])
    const ended = feed.recover(name)
    await feed.stop()
    await ended
    assert.ok(feed.isPending(name), 'its mark stays')
  })

  test('ends where it is asked for a log that is just being found to be broken', async () => {
    const { name } = place.profile()
    const { locate } = profiles
    const [reading, broken] = [deferred(), deferred()]
    profiles.locate = async (wallet, work) => {
      if (wallet !== name) return locate(wallet, work)
      reading.resolve()
      await broken.promise
      throw new Error('This log cannot be read')
    }
    failed = () => {}
    const first = feed.recover(name)
    await reading.promise
    const again = feed.recover(name)
    const stopped = feed.stop()
    broken.resolve()
    await Promise.all([first, again, stopped])
  })

  test('has copied all of a long log once it has recovered it', async () => {
    const many = Array.from({ length: 2500 }, (_, n) => ({ dispatch: 'BASE' as const, payload: { n } }))
    await write(place.profile(), many)
    await feed.recover(place.profile().name)
    assert.equal((await profiles.base.head()).seq, 2500)
  })
})
