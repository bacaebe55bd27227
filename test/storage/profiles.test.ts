import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openPlace } from './places.js'

test('what was read of wallets that are not open is kept of the last few alone', async () => {
  const place = await openPlace('sqlite')
  try {
    const { LEFT_WALLETS, Profiles } = await import('../../src/storage/profiles.js')
    const profiles = new Profiles(place.store)
    profiles.locate = (_wallet, work) => work(place.store, place.profile().name)
    const use = async (name: string) => {
      await profiles.of(name).transact((unit) => unit.fetch('thing', 'one'))
      // It is answered before its turn has ended.
      await nextTurn()
    }
    const isKept = (name: string) => profiles.of(name).lastHead !== undefined
    profiles.open('open')
    await use('open')
    await use('closed')
    profiles.close('closed')
    assert.ok(!isKept('closed'))
    // Such as a delivery that is noted after the wallet was closed.
    await use('closed')
    assert.ok(isKept('closed'))
    for (let n = 0; n < LEFT_WALLETS; n++) await use(`${n}`)
    assert.deepEqual(['open', 'closed', '0', `${LEFT_WALLETS - 1}`].map(isKept), [true, false, true, true])
  } finally {
    await place.remove()
  }
})
