import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { codeOf, overSse } from '../security/transports.js'
import { ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { closeCodeOf, createToken, isHeld, REVOKE_TOKEN } from './token-api.js'

/** How long a revoked token may hold at another instance, on a machine that does nothing else, and on any (ms). */
const LIMITS = { 'with Redis': { aim: 100, most: 1000 }, 'without Redis': { aim: 2000, most: 3000 } }
const ROUNDS = 5

for (const [redis, { aim, most }] of Object.entries(LIMITS)) {
  describe(`a token revoked at one of two instances, ${redis}`, () => {
    let store: TestStore
    let here: TestGateway
    let there: TestGateway
    let operator: ApiClient
    let acme: TestTenant

    before(async () => {
      store = await freshStore('postgres')
      if (redis === 'without Redis') delete store.env['REDIS_URL']
      here = await startGateway(store)
      there = await startGateway(store)
      operator = ApiClient.operator(here.url)
      acme = await makeTenant(here.url)
    })
    after(async () => {
      await Promise.all([here?.stop(), there?.stop()])
      await store?.remove()
    })

    test(`holds at the other at once when it is made, and is refused within ${aim} ms when it is revoked`, async (t) => {
      const refused: number[] = []
      const closed: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const { token, info } = await createToken(operator, { tenantId: acme.id, name: uniqueName('doomed') })
        const caller = new ApiClient(there.url, { token })
        // Also where the tenant is known from before it was made.
        assert.equal(await isHeld(caller), true)
        const tap = await caller.follow()
        const query = 'subscription { events(topics: [PING]) { id } }'
        const overEvents = overSse(caller).send({ query, variables: {} }, 10_000)
        await operator.ask(REVOKE_TOKEN, { tenantId: acme.id, tokenId: info.id })
        const revokedAt = performance.now()
        assert.equal(await isHeld(caller.at(here.url)), false)
        const closing = closeCodeOf(tap).then((code) => {
          closed.push(performance.now() - revokedAt)
          return code
        })
        while (await isHeld(caller)) {}
        refused.push(performance.now() - revokedAt)
        assert.equal(await closing, 4403)
        assert.equal(codeOf(await overEvents), 'UNAUTHENTICATED')
      }
      const worst = (times: number[]) => Math.round(Math.max(...times))
      t.diagnostic(`${redis}: refused after ${worst(refused)} ms, closed after ${worst(closed)} ms at most`)
      assert.ok(worst(refused) < most, `refused after ${refused} ms`)
      assert.ok(worst(closed) < most, `closed after ${closed} ms`)
    })
  })
}
