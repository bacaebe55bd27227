import assert from 'node:assert/strict'
import { runCli } from '../support/cli.js'
import { ApiClient, type TestTenant } from '../support/client.js'
import { OPERATOR_KEY, type TestGateway } from '../support/gateway.js'
import { type StockWallet, stockStore } from '../support/stock-wallet.js'
import { eventually } from '../support/talk.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id url } } }'

/** @returns the tenant's connection */
export async function connectStock(tenant: TestTenant, agent: StockWallet): Promise<string> {
  const { createInvitation } = await tenant.client.ask(INVITE)
  const { id, url } = createInvitation.invitation
  await agent.modules.didcomm.oob.receiveInvitationFromUrl(url, { label: 'stock' })
  return eventually(async () => {
    const query = 'query($id: ID!) { connections(filter: {invitationId: $id, state: COMPLETED}) { nodes { id } } }'
    return (await tenant.client.ask(query, { id })).connections.nodes[0]?.id as string | undefined
  })
}

/** Has a tenant made of the wallet of a stock agent that is shut down. */
export async function importStock(gateway: TestGateway, path: string): Promise<TestTenant> {
  const { key } = stockStore(path)
  const store = ['--store', path, '--store-key-derivation', 'ARGON2I_INT']
  const run = await runCli(['tenant', 'import-credo', '--url', gateway.url, ...store, '--name', 'taken-over'], {
    OPERATOR_KEY,
    CREDO_STORE_KEY: key,
  })
  assert.equal(run.code, 0, run.stderr)
  const token = /^Token, shown once: (\S+)$/m.exec(run.stdout)?.[1] as string
  const { tenant } = await ApiClient.operator(gateway.url).ask('{ tenant(name: "taken-over") { id } }')
  return { id: tenant.id, name: 'taken-over', client: new ApiClient(gateway.url, { token }) }
}
