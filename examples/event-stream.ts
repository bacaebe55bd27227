import { print } from 'graphql'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type EventFieldsFragment, EventsDocument, type EventsSubscription } from './generated/operations.js'

/** How long a story waits for something to happen, in milliseconds. */
const PATIENCE_MS = 30_000

/** An event stream over graphql-ws, with all that has come so far. */
export class EventStream {
  private readonly client: Client
  private readonly seen: EventFieldsFragment[] = []
  private readonly listeners = new Set<(event: EventFieldsFragment) => void>()
  private failure: unknown

  /** @param after the cursor that the stream begins after */
  constructor(
    url: string,
    connectionParams: Record<string, string>,
    private after: string | undefined,
  ) {
    // Stock clients subscribe anew with the variables of the first time: going on from the last cursor is ours to do.
    this.client = createClient({ url, connectionParams, webSocketImpl: WebSocket, retryAttempts: 0 })
    this.client.subscribe<EventsSubscription>(
      { query: print(EventsDocument), variables: { after } },
      {
        next: ({ data }) => data && this.take(data.events),
        error: (error) => {
          this.failure = error
        },
        complete() {},
      },
    )
  }

  /** Where another stream goes on from when this one has ended. */
  get cursor(): string | undefined {
    return this.after
  }

  /** Calls `listener` with each event, also those that came before. */
  onEvent(listener: (event: EventFieldsFragment) => void): this {
    this.seen.forEach(listener)
    this.listeners.add(listener)
    return this
  }

  /** Waits for an event that `matches`, past or to come. @throws {Error} when the stream fails, or nothing comes */
  async until(what: string, matches: (event: EventFieldsFragment) => boolean): Promise<EventFieldsFragment> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
      const found = this.seen.find(matches)
      if (found) return found
      if (this.failure) throw new Error(`The stream ended while waiting for ${what}`, { cause: this.failure })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`Nothing was seen of ${what}`)
  }

  /** Ends the stream, as a client does that goes away. */
  async stop(): Promise<void> {
    await this.client.dispose()
  }

  private take(event: EventFieldsFragment): void {
    this.after = event.cursor
    this.seen.push(event)
    for (const listener of this.listeners) listener(event)
  }
}
