import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from '../../src/lib/deferred.js'
import { ApiClient } from '../support/client.js'
import { freshStore, STORES, startGateway } from '../support/gateway.js'
import { freshDatabase } from '../support/services.js'
import { atOnce } from '../support/talk.js'
import { exportTenant } from './archives.js'
import { lock, makeUnmanaged, newWalletKey, unlock } from './unmanaged.js'
import { openWalletParts } from './wallet-parts.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'

for (const kind of STORES) {
  test(`a locked wallet is exported several times at once on ${kind}, and is written again once it is unlocked`, async () => {
    const store = await freshStore(kind)
    const gateway = await startGateway(store)
    try {
      const operator = ApiClient.operator(gateway.url)
      const tenant = await makeUnmanaged(gateway.url)
      await tenant.client.ask(INVITE)
      await lock(tenant)
      const input = { tenantId: tenant.id, walletKey: tenant.walletKey }
      const archives = await atOnce(3, 3, () => exportTenant(operator, input))
      assert.ok(archives.every(({ bytes }) => bytes.length > 0))
      assert.equal(await tenant.client.codeOf(INVITE), 'TENANT_LOCKED')
      await unlock(tenant)
      await tenant.client.ask(INVITE)
      // One that is locked in the midst of it is whole as well.
      const exporting = exportTenant(operator, input)
      await sleep(20)
      await lock(tenant)
      await exporting
      await unlock(tenant)
      await tenant.client.ask(INVITE)
    } finally {
      await gateway.stop()
      await store.remove()
    }
  })
}

test('a wallet that is unlocked as its loan ends stays open', async (t) => {
  const database = await freshDatabase()
  const parts = await openWalletParts(database.url, 'alone/1')
  try {
    const { tenant, key } = await parts.makeTenant({ keyMode: 'UNMANAGED', walletKey: newWalletKey() })
    const { own, vault } = parts
    const openWith = own.openWith.bind(own)
    const [lent, ended] = [deferred(), deferred()]
    const loan = vault.lend(tenant, key, async () => {
      lent.resolve()
      await ended.promise
    })
    await lent.promise
    t.mock.method(own, 'openWith', (...args: Parameters<typeof openWith>) => {
      const opened = openWith(...args)
      ended.resolve()
      return opened
    })
    await vault.unlock(tenant, key as string)
    await loan
    assert.ok(vault.isUnlocked(tenant))
    assert.equal((await parts.places.readHead(tenant.place)).fence, undefined)
  } finally {
    await parts.close()
    await database.drop()
  }
})
