import { ApiClient, type TestTenant } from '../support/client.js'

const SUSPEND = 'mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { state } } }'
const RESUME = 'mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { state } } }'
const DELETE = 'mutation($input: DeleteTenantInput!) { deleteTenant(input: $input) { deletedTenantId } }'

/** Suspends a tenant, as the operator at one instance. @returns the state that it has then */
export async function suspend(url: string, { id }: TestTenant): Promise<string> {
  return (await ApiClient.operator(url).ask(SUSPEND, { id })).suspendTenant.tenant.state
}

export async function resume(url: string, { id }: TestTenant): Promise<string> {
  return (await ApiClient.operator(url).ask(RESUME, { id })).resumeTenant.tenant.state
}

export async function deleteTenant(url: string, { id }: TestTenant, walletKey?: string): Promise<void> {
  await ApiClient.operator(url).ask(DELETE, { input: { tenantId: id, walletKey } })
}

/** What an operator sees of a tenant; null where there is none. */
export async function stateAt(
  url: string,
  { id }: TestTenant,
): Promise<{ state: string; queuedMessages: number } | null> {
  return (await ApiClient.operator(url).ask('query($id: ID!) { tenant(id: $id) { state queuedMessages } }', { id }))
    .tenant
}
