import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { allEnded, assertHeldOnce, assertPlaces, type Link, makeLink, offer, placesOf } from '../credentials/many.js'
import { type Issuer, makeIssuer } from '../credentials/story.js'
import type { AnyEvent } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'

/** How often the process is killed; `TEST_KILLS` says more. */
const KILLS = Number(process.env['TEST_KILLS'] ?? 3)
const AT_ONCE = 4
/** The longest that a round may run before it is cut (ms). */
const CUT_MS = 2500
const SIZE = 10

for (const kind of ['sqlite'] as const) {
  describe(`kill -9 while credentials are issued on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let env: Record<string, string>
    let issuer: Issuer
    let link: Link

    before(async () => {
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}`, INSTANCE_ID: 'the-only-one' }
      gateway = await startGateway(store, env)
      issuer = await makeIssuer(gateway.url, { revocable: true, revocationRegistrySize: SIZE })
      link = await makeLink(issuer)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test(`${KILLS} times at any moment: each exchange ends by itself, and no place is given twice`, async () => {
      const names = Array.from({ length: KILLS * AT_ONCE }, (_, index) => `holder ${index}`)
      for (let round = 0; round < KILLS; round++) {
        const batch = names.slice(round * AT_ONCE, (round + 1) * AT_ONCE)
        const work = Promise.allSettled(batch.map((name) => offer(issuer, link, name)))
        await sleep(Math.random() * CUT_MS)
        await gateway.kill()
        await work
        gateway = await startGateway(store, env)
        // Whether an unanswered offer was made, its key tells.
        await Promise.all(batch.map((name) => offer(issuer, link, name)))
      }
      for (const tenant of [issuer, link.holder]) {
        const exchanges = await allEnded(tenant, 90_000)
        assert.deepEqual(
          exchanges.filter(({ state }: AnyEvent) => state !== 'DONE'),
          [],
        )
      }
      await assertHeldOnce([link.holder], names)
      assertPlaces(await placesOf(issuer, link), SIZE)
    })
  })
}
