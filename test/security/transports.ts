import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { ApiClient, GraphResult } from '../support/client.js'
import type { Operation } from './root-fields.js'

/** What came of an operation: its errors and data; or how the transport itself refused it. */
export interface Outcome extends GraphResult<Record<string, unknown>> {
  /** The code of the close, over graphql-ws. */
  closed?: number
  /** The status of HTTP. */
  status?: number
}

/** How long a subscription may take to be refused (ms); one that is not is taken. */
const PATIENCE_MS = 300
/** The same where it has to be refused, however busy the machine is. */
export const LONG_PATIENCE_MS = 10_000

export const codeOf = ({ errors }: Outcome) => errors?.[0]?.extensions?.code

/** One caller on one transport. */
export interface Line {
  send(operation: Operation, patienceMs?: number): Promise<Outcome>
  close(): Promise<void>
}

export type Transport = (caller: ApiClient) => Line

export const overHttp: Transport = (caller) => ({
  send: ({ query, variables }) => caller.send(query, variables),
  async close() {},
})

/** Each operation on one socket, as clients do. */
export const overWs: Transport = (caller) => {
  const { token, apiKey } = caller.credentials
  const client: Client = createClient({
    url: `${caller.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazyCloseTimeout: 1000,
    connectionParams: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(apiKey ? { apiKey } : {}) },
  })
  return {
    async send(operation, patienceMs = PATIENCE_MS) {
      const { promise, unsubscribe } = first(client, operation)
      if (!operation.query.startsWith('subscription')) return promise
      const abort = new AbortController()
      const outcome = await Promise.race([promise, sleep(patienceMs, {} as Outcome, abort)])
      abort.abort()
      unsubscribe()
      return outcome
    },
    async close() {
      await client.dispose()
    },
  }
}

function first(client: Client, operation: Operation): { promise: Promise<Outcome>; unsubscribe: () => void } {
  let unsubscribe = () => {}
  const promise = new Promise<Outcome>((resolve) => {
    unsubscribe = client.subscribe<Record<string, unknown>>(operation, {
      next: (result) => resolve(result as Outcome),
      error: (error) =>
        resolve(Array.isArray(error) ? { errors: error } : { closed: (error as { code: number }).code }),
      complete: () => resolve({}),
    })
  })
  return { promise, unsubscribe }
}

export const overSse: Transport = (caller) => ({
  async send(operation, patienceMs = PATIENCE_MS) {
    const abort = new AbortController()
    const response = await fetch(`${caller.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...caller.headers },
      body: JSON.stringify(operation),
      signal: abort.signal,
    })
    if (response.status !== 200) return { status: response.status, ...((await response.json()) as Outcome) }
    let text = ''
    const read = async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString()
        const data = /^data: (.+)\n/m.exec(text)?.[1]
        if (data) return JSON.parse(data) as Outcome
      }
      return {}
    }
    const isStream = operation.query.startsWith('subscription')
    const reading = read().catch(() => ({}))
    const outcome = isStream ? await Promise.race([reading, sleep(patienceMs, {} as Outcome, abort)]) : await reading
    abort.abort()
    return outcome
  },
  async close() {},
})

export const TRANSPORTS: Record<string, Transport> = { HTTP: overHttp, 'graphql-ws': overWs, SSE: overSse }
