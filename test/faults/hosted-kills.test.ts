import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CREATE, createDid, resolveByStock, UPDATE, urlOf } from '../dids/did-api.js'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually } from '../support/talk.js'

const ROUNDS = 4
/** The longest that a round may run before it is cut (ms). */
const CUT_MS = 150

for (const kind of STORES) {
  describe(`kill -9 while DIDs are hosted on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let tenant: TestTenant
    let env: Record<string, string>

    before(async () => {
      store = await freshStore(kind)
      env = { PORT: `${await freePort()}`, INSTANCE_ID: 'the-only-one' }
      gateway = await startGateway(store, env)
      tenant = await makeTenant(gateway.url)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test('a path can be used again or is used, and what is served is what the wallet has', async () => {
      const { did } = await createDid(tenant.client, 'webvh', { path: 'changing' })
      for (let round = 0; round < ROUNDS; round++) {
        const path = `cut-${round}`
        const work = Promise.allSettled([
          tenant.client.send(CREATE, { method: 'webvh', options: { path } }),
          tenant.client.send(UPDATE, { input: { did, rotateKeys: true } }),
        ])
        await sleep(Math.random() * CUT_MS)
        await gateway.kill()
        await work
        gateway = await startGateway(store, env)
        const { errors } = await tenant.client.send(CREATE, { method: 'webvh', options: { path } })
        const { dids } = await tenant.client.ask('{ dids(last: 50) { nodes { did document } } }')
        const made = dids.nodes.filter((one: { did: string }) => one.did.endsWith(`:${path}`))
        assert.equal(made.length, 1)
        if (errors) assert.equal(errors[0]?.extensions.code, 'CONFLICT')
        assert.equal((await resolveByStock(made[0].did)).did, made[0].did)
        const own = dids.nodes.find((one: { did: string }) => one.did === did)
        await eventually(async () => {
          const log = await (await fetch(urlOf(did, 'did.jsonl'))).text()
          const served = JSON.parse(log.trim().split('\n').at(-1) as string).state
          return JSON.stringify(served) === JSON.stringify(own.document)
        })
      }
      const { updateDid } = await tenant.client.ask(UPDATE, { input: { did, rotateKeys: true } })
      const { doc } = await resolveByStock(did)
      assert.deepEqual(doc.verificationMethod, updateDid.did.document.verificationMethod)
    })
  })
}
