import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from './topic.js'

const PATIENCE_MS = 20_000
const PAUSE_MS = 100

/** The gateway refused, with the code that programs switch on. */
export class GatewayRefusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`)
  }
}

/** The API of a gateway for one tenant. */
export class Gateway {
  private readonly url: string

  constructor(
    url: string,
    private readonly token: string,
  ) {
    this.url = url.replace(/\/+$/, '').replace(/\/graphql$/, '')
  }

  /** One operation. @throws {GatewayRefusal} */
  async ask<T>(query: string, variables: object = {}): Promise<T> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${this.token}`,
      },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as {
      data?: T
      errors?: { message: string; extensions?: { code?: string } }[]
    }
    const [error] = errors ?? []
    if (error) throw new GatewayRefusal(error.extensions?.code ?? 'UNKNOWN', error.message)
    return data as T
  }

  /**
   * Looks until there is something: the harness does not wait for what is on its way between the agents.
   * @throws {Refusal} 400 where it does not come
   */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Refusal(400, `Nothing came within ${PATIENCE_MS / 1000} s: ${what}`)
    }
  }
}
