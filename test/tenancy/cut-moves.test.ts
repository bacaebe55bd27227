import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, connect, makeTenant } from '../support/client.js'
import { freshStore, STORES, startGateway } from '../support/gateway.js'
import { freePort } from '../support/ports.js'

const MOVE = 'mutation($input: MoveWalletInput!) { moveWallet(input: $input) { tenant { walletStorage } } }'
const SEND = 'mutation($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }'
const INVITE = 'mutation { createInvitation(input: {}) { invitation { id } } }'
const INVITATIONS = 150
const KILLS = 4

for (const kind of STORES) {
  test(`kill -9 while a wallet moves leaves it where it was, or has it moved, on ${kind}`, async () => {
    const store = await freshStore(kind)
    // What an instance of the same name left is its own.
    const env = { INSTANCE_ID: 'alone', PORT: `${await freePort()}` }
    let gateway = await startGateway(store, env)
    try {
      const peer = await makeTenant(gateway.url)
      const tenant = await makeTenant(gateway.url)
      const ids = await connect(tenant, peer)
      for (let made = 0; made < INVITATIONS; made += 10) {
        await Promise.all(Array.from({ length: 10 }, () => tenant.client.ask(INVITE)))
      }
      for (let kill = 0; kill < KILLS; kill++) {
        const walletStorage = kill % 2 === 0 ? 'STORE' : 'PROFILE'
        const input = { tenantId: tenant.id, keyMode: 'MANAGED', walletStorage }
        const moving = ApiClient.operator(gateway.url).send(MOVE, { input })
        const cut = moving.catch(() => undefined)
        await sleep(10 + Math.random() * 150)
        await gateway.kill()
        await cut
        gateway = await startGateway(store, env)
        const client = tenant.client.at(gateway.url)
        const told = await client.ask('{ viewer { tenant { state walletStorage } } }')
        assert.equal(told.viewer.tenant.state, 'ACTIVE')
        // It is written again, by both sides, and nothing is gone.
        const content = `after kill ${kill}`
        const tap = await peer.client.at(gateway.url).follow()
        await client.ask(SEND, { input: { connectionId: ids.inviter, content } })
        await tap.find((event) => event.message?.content === content)
        await tap.close()
        const { invitations } = await client.ask('{ invitations(last: 100) { nodes { id } } }')
        assert.equal(invitations.nodes.length, 100)
        // What was cut can be asked for again.
        const again = await ApiClient.operator(gateway.url).ask(MOVE, { input })
        assert.equal(again.moveWallet.tenant.walletStorage, walletStorage)
      }
    } finally {
      await gateway.stop()
      await store.remove()
    }
  })
}
