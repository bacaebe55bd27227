import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { deferred } from '../../src/lib/deferred.js'
import { createLogger } from '../../src/lib/logger.js'
import { INSTANCES, Recovery } from '../../src/relay/recovery.js'
import { openPlace, type StorePlace } from '../storage/places.js'
import { ApiClient, connect, makeTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { eventually } from '../support/talk.js'

let place: StorePlace
beforeEach(async () => {
  place = await openPlace('postgres')
})
afterEach(() => place?.remove())

function instance(instanceId: string): Recovery {
  const logger = createLogger({ level: 'silent', format: 'json' })
  const options = { instanceId, self: `${instanceId}/1`, shared: true, liveness: undefined, facts: {}, logger }
  return new Recovery({ ...options, base: place.profile() })
}

const livesUntil = async (self: string) => JSON.parse((await place.profile().fetch(INSTANCES, self))?.value ?? '0')

test('an instance says that it lives also while what it takes over takes long', async (t) => {
  await instance('dead').mark('tenant')
  t.mock.timers.enable({ apis: ['setInterval'] })
  const [began, mayEnd] = [deferred(), deferred()]
  const survivor = instance('survivor')
  survivor.live()
  const begun = survivor.begin(async () => {
    began.resolve()
    await mayEnd.promise
  })
  await began.promise
  const before = await livesUntil('survivor/1')
  t.mock.timers.tick(3000)
  await eventually(async () => (await livesUntil('survivor/1')) > before)
  mayEnd.resolve()
  await begun
  await survivor.stop()
})

test('who came while others were taken over is not taken for dead', async () => {
  const dead = instance('dead')
  await dead.mark('one')
  await dead.mark('two')
  const survivor = instance('survivor')
  const newcomer = instance('newcomer')
  const seen: boolean[] = []
  await survivor.begin(async (_tenantId, isAlive) => {
    seen.push(isAlive('newcomer/1'))
    await newcomer.begin(async () => {})
  })
  assert.deepEqual(seen, [false, true])
  await newcomer.stop()
  await survivor.stop()
})

test('a tenant is as it was where its marks are all that a process that died has left', async () => {
  const store = await freshStore('sqlite')
  let gateway = await startGateway(store)
  try {
    const tenant = await makeTenant(gateway.url)
    await connect(tenant, await makeTenant(gateway.url))
    const changedAt = async () =>
      (
        await ApiClient.operator(gateway.url).ask('query($id: ID!) { tenant(id: $id) { updatedAt } }', {
          id: tenant.id,
        })
      ).tenant.updatedAt
    const before = await changedAt()
    await gateway.kill()
    gateway = await startGateway(store)
    assert.match(gateway.log(), /Taking over unfinished work/)
    assert.equal(await changedAt(), before)
  } finally {
    await gateway.stop()
    await store.remove()
  }
})
