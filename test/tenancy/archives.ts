import type { ApiClient } from '../support/client.js'

const EXPORT = 'mutation($input: ExportTenantInput!) { exportTenant(input: $input) { url exportKey expiresAt } }'
const IMPORT = 'mutation($input: ImportTenantInput!) { importTenant(input: $input) { url expiresAt } }'

export interface Archive {
  bytes: Buffer
  exportKey: string
}

/** What the gateway answers to an archive that it is sent. */
export interface ImportAnswer {
  status: number
  data?: {
    tenant: { id: string; name: string; state: string; keyMode: string; walletStorage: string }
    token: string
    notServed: string[]
  }
  errors?: { message: string; extensions: { code: string; field?: string } }[]
}

/** Orders an archive of a tenant, and fetches it. */
export async function exportTenant(operator: ApiClient, input: Record<string, unknown>): Promise<Archive> {
  const { exportTenant } = await operator.ask(EXPORT, { input })
  const response = await fetch(exportTenant.url, { headers: operator.headers })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return { bytes: Buffer.from(await response.arrayBuffer()), exportKey: exportTenant.exportKey }
}

/** Where an archive can be sent to. */
export async function orderImport(operator: ApiClient, input: Record<string, unknown>): Promise<string> {
  return (await operator.ask(IMPORT, { input })).importTenant.url
}

/** Has a tenant made of an archive. */
export async function importTenant(
  operator: ApiClient,
  { bytes, exportKey }: Archive,
  input: Record<string, unknown> = {},
): Promise<ImportAnswer> {
  const url = await orderImport(operator, { exportKey, ...input })
  const response = await fetch(url, { method: 'POST', headers: operator.headers, body: new Uint8Array(bytes) })
  return { status: response.status, ...((await response.json()) as object) }
}
