import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { UPDATE } from '../dids/did-api.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { atOnce } from '../support/talk.js'
import { allEnded, assertHeldOnce, assertPlaces, type Link, makeLink, offer, placesOf, revokedIn } from './many.js'
import { published } from './outside-holder.js'
import { type Issuer, makeIssuer, OPERATIONS } from './story.js'

/** How many credentials are issued; `TEST_CREDENTIALS` says more, as 500. */
const CREDENTIALS = Number(process.env['TEST_CREDENTIALS'] ?? 20)
const HOLDERS = Math.ceil(CREDENTIALS / 10)
const SIZE = CREDENTIALS >= 200 ? 100 : 10
const AT_ONCE = 16
/** A credential is some 0.4 s of the processor's time, a registry of a hundred 0.2 s. */
const TIMEOUT_MS = 30_000 + CREDENTIALS * 3000

for (const kind of STORES) {
  describe(`many credentials on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let issuer: Issuer
    let links: Link[]
    const names = Array.from({ length: CREDENTIALS }, (_, index) => `holder ${index}`)
    const exchangeIds: string[] = []

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      issuer = await makeIssuer(gateway.url, { revocable: true, revocationRegistrySize: SIZE })
      links = await atOnce(HOLDERS, 4, () => makeLink(issuer))
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test(`${CREDENTIALS} at ${AT_ONCE} at once all arrive, none twice, while registries fill and keys are rotated`, async (t) => {
      let rotations = 0
      let issuing = true
      const rotating = (async () => {
        while (issuing && rotations < 20) {
          await issuer.client.ask(UPDATE, { input: { did: issuer.did, rotateKeys: true } })
          rotations += 1
          await new Promise((resolve) => setTimeout(resolve, 1500))
        }
      })()
      const begun = Date.now()
      try {
        await atOnce(CREDENTIALS, AT_ONCE, async (index) => {
          exchangeIds.push(await offer(issuer, links[index % HOLDERS] as Link, names[index] as string))
        })
        const issued = await allEnded(issuer, TIMEOUT_MS)
        assert.deepEqual(
          issued.filter(({ state }) => state !== 'DONE'),
          [],
        )
        t.diagnostic(`${CREDENTIALS} in ${((Date.now() - begun) / 1000).toFixed(1)} s, ${rotations} rotations`)
      } finally {
        issuing = false
        await rotating
      }
      const holders = links.map(({ holder }) => holder)
      for (const holder of holders) await allEnded(holder, TIMEOUT_MS)
      await assertHeldOnce(holders, names)
      assertPlaces((await Promise.all(links.map((link) => placesOf(issuer, link)))).flat(), SIZE)
    })

    test('are revoked at once by few lists, each served when it is answered', async (t) => {
      const places = (await Promise.all(links.map((link) => placesOf(issuer, link)))).flat()
      const registries = [...new Set(places.map(({ registryId }) => registryId))]
      const lists = async () =>
        (await Promise.all(registries.map(async (id) => (await published(id)).links.length as number))).reduce(
          (sum, count) => sum + count,
        )
      const before = await lists()
      const begun = Date.now()
      const rotating = issuer.client.ask(UPDATE, { input: { did: issuer.did, rotateKeys: true } })
      await Promise.all(
        exchangeIds.map(async (id) => {
          const { revokeCredential } = await issuer.client.ask(OPERATIONS.revoke, { id })
          assert.equal(revokeCredential.credentialExchange.revoked, true)
        }),
      )
      const revoked = await Promise.all(
        registries.map(async (registryId) => (await revokedIn(registryId)).map((index) => `${registryId} ${index}`)),
      )
      assert.deepEqual(revoked.flat().sort(), places.map(({ registryId, index }) => `${registryId} ${index}`).sort())
      await rotating
      for (const registryId of registries) await revokedIn(registryId)
      const made = (await lists()) - before
      const seconds = (Date.now() - begun) / 1000
      t.diagnostic(`${exchangeIds.length} revocations in ${registries.length} registries by ${made} lists`)
      // A registry has one list a second at most.
      assert.ok(made <= registries.length * (seconds + 2), `${made} lists in ${seconds} s`)
    })

    test('that are revoked one after the other are in force when that is answered', async () => {
      const link = await makeLink(issuer)
      const fresh: string[] = []
      for (let index = 0; index < 4; index++) fresh.push(await offer(issuer, link, `one by one ${index}`))
      await allEnded(issuer, TIMEOUT_MS)
      for (const id of fresh) {
        await issuer.client.ask(OPERATIONS.revoke, { id })
        const [place] = await placesOf(issuer, link)
        const { links: served } = await published(place?.registryId ?? '')
        assert.ok(served.at(-1).timestamp <= Date.now() / 1000, 'the list is of a time to come')
      }
    })
  })
}
