import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fillWallet, lookAround } from './large-wallet.js'
import { KINDS, openPlace } from './places.js'

/** `bench/large-wallet.ts` does the same with 100,000. */
const COUNT = 5000
/** Far more than any look takes on an idle machine, far less than one that reads the whole wallet. */
const MOST_MS = 300

for (const kind of KINDS) {
  describe(`a wallet of ${COUNT} records and events on ${kind}`, () => {
    test('is looked at without being read through', async () => {
      const place = await openPlace(kind)
      try {
        await fillWallet(place.profile(), COUNT)
        await place.store.database.analyze()
        const slow = Object.entries(await lookAround(place.profile(), COUNT)).filter(([, ms]) => ms > MOST_MS)
        assert.deepEqual(slow, [])
      } finally {
        await place.remove()
      }
    })
  })
}
