import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import type { AnyEvent } from '../support/client.js'
import { Front } from '../support/front.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { atOnce, eventually } from '../support/talk.js'
import { assertPlaces, revokedIn } from './many.js'
import { type Held, lastList, OutsideHolder, published } from './outside-holder.js'
import { type Line, Rogue } from './rogue.js'
import { type Issuer, makeIssuer, OPERATIONS } from './story.js'

const CREDENTIALS = 16
const SIZE = 100

for (const redis of ['with Redis', 'without Redis'] as const) {
  describe(`an issuer at two gateways on one Postgres, ${redis}`, () => {
    const workers = new AnonCredsWorkers()
    let store: TestStore
    let front: Front
    const gateways: TestGateway[] = []
    let urls: string[]
    let rogue: Rogue
    let issuer: Issuer
    let line: Line
    let holder: OutsideHolder
    let held: Held[]

    before(async () => {
      store = await freshStore('postgres')
      if (redis === 'without Redis') delete store.env['REDIS_URL']
      front = await Front.open()
      const ports = [await freePort(), await freePort()]
      urls = ports.map((port) => `http://127.0.0.1:${port}`)
      front.target = urls[0] as string
      for (const [index, port] of ports.entries()) {
        const env = { PORT: `${port}`, PUBLIC_URL: front.url, LOCAL_DELIVERY: 'off', INSTANCE_ID: `revoker-${index}` }
        gateways.push(await startGateway(store, env))
      }
      rogue = await Rogue.create()
      issuer = await makeIssuer(urls[0] as string, { revocable: true, revocationRegistrySize: SIZE })
      line = await rogue.connectTo(issuer)
      holder = await OutsideHolder.create(workers, rogue)
    })
    after(async () => {
      await Promise.all([rogue?.close(), ...gateways.map((gateway) => gateway.stop()), workers.stop()])
      await front?.down()
      await store?.remove()
    })

    const issuerAt = (index: number): Issuer => ({ ...issuer, client: issuer.client.at(urls[index % 2] as string) })

    const revoke = async (exchangeId: string, at: number) => {
      const { revokeCredential } = await issuerAt(at).client.ask(OPERATIONS.revoke, { id: exchangeId })
      assert.equal(revokeCredential.credentialExchange.revoked, true)
    }

    test('gives no place twice, whichever of them issues', async () => {
      held = await atOnce(CREDENTIALS, 4, (index) => {
        const tenant = issuerAt(index)
        return holder.obtain(tenant, { ...line, tenant }, `holder ${index}`)
      })
      assertPlaces(held, SIZE)
    })

    test('revokes at both at once: each is in force once it is answered, and its holder told once', async () => {
      const [registryId] = new Set(held.map((one) => one.registryId))
      assert.ok(registryId)
      const before = (await published(registryId)).links as { id: string }[]
      const answered = new Set<number>()
      let revoking = true
      // Whoever asks is never told by a list that has lost what was answered before.
      const asking = (async () => {
        while (revoking) {
          const known = [...answered]
          const { revocationList } = await lastList(registryId)
          const lost = known.filter((index) => revocationList[index] !== 1)
          assert.deepEqual(lost, [])
        }
      })()
      try {
        await Promise.all(
          held.map(async ({ exchangeId, index }, n) => {
            // Some come later, and some are asked for at both.
            if (n % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 400 * n))
            await Promise.all([revoke(exchangeId, n), ...(n % 5 === 0 ? [revoke(exchangeId, n + 1)] : [])])
            answered.add(index)
            assert.ok((await revokedIn(registryId)).includes(index))
          }),
        )
      } finally {
        revoking = false
        await asking
      }
      assert.deepEqual(
        (await revokedIn(registryId)).sort((a, b) => a - b),
        held.map(({ index }) => index).sort((a, b) => a - b),
      )
      // No list that was served has gone.
      const links = (await published(registryId)).links as { id: string }[]
      assert.deepEqual(links.slice(0, before.length), before)
      for (const { id } of links) assert.equal((await published(id)).content.revRegDefId, registryId)

      const told = () => rogue.inbox.filter((one: AnyEvent) => one['@type'].endsWith('/revoke'))
      await eventually(async () => told().length >= CREDENTIALS)
      // What is said next on the connection comes behind all of these.
      await issuer.client.ask('mutation($id: ID!) { sendPing(connectionId: $id) { threadId } }', {
        id: line.connectionId,
      })
      await rogue.received('/ping', () => true)
      assert.deepEqual(
        told()
          .map((one) => Number(one['credential_id'].split('::')[1]))
          .sort((a, b) => a - b),
        held.map(({ index }) => index).sort((a, b) => a - b),
      )
    })
  })
}
