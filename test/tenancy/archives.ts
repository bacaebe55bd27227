import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'
import { packArchive, unpackArchive } from '../../src/tenants/tenant-archive.js'
import type { ApiClient } from '../support/client.js'

const EXPORT = 'mutation($input: ExportTenantInput!) { exportTenant(input: $input) { url exportKey expiresAt } }'
const IMPORT = 'mutation($input: ImportTenantInput!) { importTenant(input: $input) { url expiresAt } }'

export const newKey = () => base58Encode(randomBytes(32))

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

/** What is in an archive. */
export async function contentOf({ bytes, exportKey }: Archive) {
  const { manifest, queue, store } = await unpackArchive(base58Decode(exportKey), pieces(bytes))
  const parts: Buffer[] = []
  for await (const part of store) parts.push(part)
  return { manifest, queue, store: Buffer.concat(parts) }
}

/** An archive of some content, under a new key. */
export async function packed({ manifest, queue, store }: Awaited<ReturnType<typeof contentOf>>): Promise<Archive> {
  const exportKey = newKey()
  const parts: Buffer[] = []
  const { bytes, length } = packArchive(base58Decode(exportKey), { manifest, queue, store: pieces(store) })
  for await (const part of bytes) parts.push(part)
  assert.equal(
    parts.reduce((sum, part) => sum + part.length, 0),
    length,
  )
  return { bytes: Buffer.concat(parts), exportKey }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
}
