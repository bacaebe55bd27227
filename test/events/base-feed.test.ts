import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { BaseFeed } from '../../src/events/base-feed.js'
import { journal, readLog } from '../../src/events/log.js'
import { tenantLocked } from '../../src/lib/errors.js'
import type { Profiles } from '../../src/storage/profiles.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { write } from './logs.js'

describe('the feed of the base stream', () => {
  let place: StorePlace
  let profiles: Profiles
  let feed: BaseFeed
  beforeEach(async () => {
    place = await openPlace('sqlite')
    const { Profiles } = await import('../../src/storage/profiles.js')
    profiles = new Profiles(place.store)
    feed = new BaseFeed(
      profiles,
      journal({ publish() {}, uncertain() {} }),
      async () => true,
      (_tenantIds, error) => assert.fail(error as Error),
    )
  })
  afterEach(() => place?.remove())

  const tell = (n: number) =>
    write(place.profile(), [{ dispatch: 'BASE', payload: { n } }], (log, events) => feed.push(log, events))

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
})
