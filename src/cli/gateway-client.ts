import { Agent, fetch, type RequestInit, type Response } from 'undici'
import { Problem } from '../lib/problem.js'

/** An archive as it comes from a gateway. */
export interface ArchiveStream {
  exportKey: string
  /** Bytes. */
  length: number
  bytes: AsyncIterable<Uint8Array>
}

export interface ImportedTenant {
  tenant: { id: string; name: string; state: string; keyMode: string; walletStorage: string }
  token: string
  /** How many messages that waited for it have come along. */
  queuedMessages: number
  /** DIDs and the endpoint that it had and that are not served there. */
  notServed: string[]
}

interface GraphAnswer {
  data?: Record<string, unknown> | null
  errors?: { message: string; extensions?: { code?: string } }[]
}

/** An archive is answered when it is made, which may take long. */
const patient = new Agent({ headersTimeout: 0 })

/** A running gateway, as an operator speaks to it. */
export class GatewayClient {
  readonly url: string

  constructor(
    url: string,
    private readonly operatorKey: string,
  ) {
    this.url = url.replace(/\/+$/, '').replace(/\/graphql$/, '')
  }

  /** One operation; its only field is what it gives. @throws Problem */
  async ask<T>(query: string, variables: object): Promise<T> {
    const response = await this.fetch('/graphql', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const { data } = await this.answerOf<GraphAnswer>(response)
    return Object.values(data ?? {})[0] as T
  }

  /** Has an archive made, and begins to fetch it. */
  async exportTenant(input: { tenantId: string; walletKey?: string }): Promise<ArchiveStream> {
    const mutation = 'mutation($input: ExportTenantInput!) { exportTenant(input: $input) { url exportKey } }'
    const order = await this.ask<{ url: string; exportKey: string }>(mutation, { input })
    const response = await this.fetch(`/exports/${ticketOf(order.url)}`, { method: 'GET' })
    if (!response.ok || !response.body) await this.answerOf(response)
    const bytes = response.body as unknown as AsyncIterable<Uint8Array>
    return { exportKey: order.exportKey, length: Number(response.headers.get('content-length')), bytes }
  }

  /** Has a tenant made of an archive. */
  async importTenant(input: object, bytes: AsyncIterable<Uint8Array>): Promise<ImportedTenant> {
    const mutation = 'mutation($input: ImportTenantInput!) { importTenant(input: $input) { url } }'
    const order = await this.ask<{ url: string }>(mutation, { input })
    const response = await this.fetch(`/imports/${ticketOf(order.url)}`, {
      headers: { 'content-type': 'application/octet-stream' },
      body: ReadableStream.from(bytes),
      duplex: 'half',
    })
    return (await this.answerOf<{ data: ImportedTenant }>(response)).data
  }

  /** Hands a sealed message over as its sender would. */
  async deliver(envelope: object): Promise<void> {
    const body = JSON.stringify(envelope)
    const response = await this.fetch('/didcomm', {
      headers: { 'content-type': 'application/didcomm-envelope-enc' },
      body,
    })
    if (!response.ok) throw new Problem(`${this.url} did not take a message (${response.status})`)
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = { accept: 'application/json', 'x-api-key': this.operatorKey, ...init.headers }
    try {
      return await fetch(`${this.url}${path}`, { method: 'POST', ...init, headers, dispatcher: patient })
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause
      throw new Problem(`${this.url} cannot be reached (${cause?.code ?? 'no answer'})`)
    }
  }

  private async answerOf<T extends object>(response: Response): Promise<T> {
    const answer = (await response.json().catch(() => undefined)) as (T & GraphAnswer) | undefined
    const [error] = answer?.errors ?? []
    if (error) throw new Problem(`${this.url}: ${error.extensions?.code ?? response.status}: ${error.message}`)
    if (!answer || !response.ok) throw new Problem(`${this.url} gave no answer of a gateway (${response.status})`)
    return answer
  }
}

export interface AuditLine {
  action: string
  details: { archiveId?: string; queuedMessages?: number }
}

const AUDIT_PAGE = 100

/** What happened to a tenant as a whole, oldest first. */
export async function auditOf(gateway: GatewayClient, tenantId: string): Promise<AuditLine[]> {
  const query = `query($tenantId: ID!, $after: String, $first: Int!) {
    auditLog(first: $first, after: $after, filter: { tenantId: $tenantId }) {
      nodes { action details } pageInfo { endCursor } } }`
  const lines: AuditLine[] = []
  for (let after: string | undefined; ; ) {
    const page = await gateway.ask<{ nodes: AuditLine[]; pageInfo: { endCursor: string } }>(query, {
      tenantId,
      after,
      first: AUDIT_PAGE,
    })
    lines.push(...page.nodes)
    if (page.nodes.length < AUDIT_PAGE) return lines
    after = page.pageInfo.endCursor
  }
}

/** A gateway tells its public address, which may lead elsewhere: where two share one, or behind a proxy. */
const ticketOf = (url: string) => url.slice(url.lastIndexOf('/') + 1)
