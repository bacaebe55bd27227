import { Pool } from 'undici'

/** As an operator or as a tenant. */
export type Credential = { apiKey: string } | { token: string }

interface Answer<Data> {
  data?: Data | null
  errors?: { message: string; extensions?: { code?: string } }[]
}

const CONNECTIONS = 64
const TIMEOUT_MS = 120_000

/** Speaks to the gateway's public HTTP endpoints over connections that are kept open. */
export class HttpClient {
  private readonly pool: Pool

  constructor(readonly url: string) {
    this.pool = new Pool(url, { connections: CONNECTIONS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS })
  }

  /** @throws Error with code and message of the first GraphQL error */
  async graphql<Data>(credential: Credential, query: string, variables: Record<string, unknown>): Promise<Data> {
    const { statusCode, body } = await this.pool.request({
      method: 'POST',
      path: '/graphql',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...credentialHeaders(credential),
      },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await body.json()) as Answer<Data>
    const [error] = errors ?? []
    if (error) throw new Error(`${error.extensions?.code ?? 'error'}: ${error.message}`)
    if (statusCode !== 200 || !data) throw new Error(`GraphQL was answered ${statusCode}`)
    return data
  }

  /**
   * Posts a packed DIDComm message.
   *
   * @throws Error where the answer is not 2xx
   */
  async didcomm(envelope: Buffer): Promise<void> {
    const { statusCode, body } = await this.pool.request({
      method: 'POST',
      path: '/didcomm',
      headers: { 'content-type': 'application/didcomm-envelope-enc' },
      body: envelope,
    })
    const text = await body.text()
    if (statusCode < 200 || statusCode > 299) throw new Error(`An envelope was answered ${statusCode}: ${text}`)
  }

  /** Every figure of `/metrics` that has no labels, by its name. */
  async metrics(): Promise<Map<string, number>> {
    const { body } = await this.pool.request({ method: 'GET', path: '/metrics' })
    const lines = (await body.text()).matchAll(/^(\w+) (\S+)$/gm)
    return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]))
  }

  async close(): Promise<void> {
    await this.pool.destroy()
  }
}

function credentialHeaders(credential: Credential): Record<string, string> {
  return 'token' in credential ? { authorization: `Bearer ${credential.token}` } : { 'x-api-key': credential.apiKey }
}
