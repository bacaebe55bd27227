import type { Gateway } from './gateway.js'
import { type Json, part, Refusal } from './topic.js'

/** A run of a protocol, as far as both kinds have it. */
export interface Exchange {
  id: string
  threadId: string
  state: string
  role: string
  errorMessage: string | null
}

const ENDED = ['DONE', 'ABANDONED', 'DECLINED']

/** Runs of one protocol, which the harness calls by their threads. */
export class Exchanges<T extends Exchange> {
  /** @param list the query's field, such as `proofExchanges` */
  constructor(
    private readonly gateway: Gateway,
    private readonly list: string,
    private readonly fields: string,
  ) {}

  /** @throws {Refusal} 404 */
  async of(threadId: string): Promise<T> {
    const exchange = await this.find(threadId)
    if (!exchange) throw new Refusal(404, `No exchange has the thread ${threadId}`)
    return exchange
  }

  async find(threadId: string): Promise<T | undefined> {
    const query = `query($threadId: ID!) { ${this.list}(first: 1, filter: {threadId: $threadId}) { nodes { ${this.fields} } } }`
    return (await this.gateway.ask<Record<string, { nodes: T[] }>>(query, { threadId }))[this.list]?.nodes[0]
  }

  /** Waits for a state, or for the end. */
  until(threadId: string, state: string): Promise<T> {
    return this.gateway.until(`${state} of the exchange ${threadId}`, async () => {
      const exchange = await this.find(threadId)
      return exchange && [state, ...ENDED].includes(exchange.state) ? exchange : undefined
    })
  }

  /**
   * Goes on from a state, which may still have to come.
   * @param mutation by its name; it takes an id or an input, as `input` has it
   */
  async step(threadId: string, state: string, mutation: string, input?: { type: string; with: Json }): Promise<T> {
    const { id } = await this.until(threadId, state)
    return input
      ? (await this.run(mutation, input.type, { exchangeId: id, ...input.with })).exchange
      : this.goOn(mutation, id)
  }

  /** Runs a mutation that takes an input. @returns the exchange, and the message that an invitation brings along */
  async run(mutation: string, type: string, input: Json): Promise<{ exchange: T; message: Json }> {
    const query = `mutation($input: ${type}!) { ${mutation}(input: $input) {
      ${this.field} { ${this.fields} } invitation { message } } }`
    const data = await this.gateway.ask<Record<string, Json>>(query, { input })
    const { [this.field]: exchange, invitation } = data[mutation] ?? {}
    const [attached] = [part(part(invitation)['message'])['requests~attach'] ?? []].flat()
    return { exchange: exchange as T, message: part(part(part(attached)['data'])['json']) }
  }

  private async goOn(mutation: string, id: string): Promise<T> {
    const query = `mutation($id: ID!) { ${mutation}(exchangeId: $id) { ${this.field} { ${this.fields} } } }`
    const data = await this.gateway.ask<Record<string, Record<string, T>>>(query, { id })
    return data[mutation]?.[this.field] as T
  }

  private get field(): string {
    return this.list.replace(/s$/, '')
  }
}
