import { once } from 'node:events'
import { WebSocket } from 'ws'

interface Message {
  type: string
  payload?: { data?: unknown; errors?: unknown }
}

export interface SubscribeOptions<Data> {
  /** `http://host:port` of the gateway. */
  url: string
  token: string
  query: string
  variables?: Record<string, unknown>
  onData: (data: Data) => void
  /** Told once if the subscription ends without having been closed by us. */
  onEnd: (reason: Error) => void
}

/**
 * One operation over one socket, by graphql-transport-ws. It does only what the protocol demands, so that a thousand of
 * them leave the driver time to measure.
 */
export class Subscription {
  private constructor(private readonly socket: WebSocket) {}

  /**
   * Resolves once the gateway has read the subscription: a ping sent behind it was answered. Events of before it is live
   * are missed unless the operation says `after`.
   *
   * @throws Error where it is refused
   */
  static async open<Data>(options: SubscribeOptions<Data>): Promise<Subscription> {
    const socket = new WebSocket(`${options.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    const send = (message: object) => socket.send(JSON.stringify(message))
    const taken = new Promise<void>((resolve, reject) => {
      const end = (reason: Error) => {
        reject(reason)
        options.onEnd(reason)
      }
      socket.on('close', (code, reason) => end(new Error(`A subscription was closed: ${code} ${reason}`)))
      socket.on('message', (data) => {
        const { type, payload }: Message = JSON.parse(String(data))
        if (type === 'connection_ack') {
          const { query, variables } = options
          send({ type: 'subscribe', id: '1', payload: { query, variables } })
          send({ type: 'ping' })
        } else if (type === 'next' && !payload?.errors) options.onData(payload?.data as Data)
        else if (type === 'ping') send({ type: 'pong' })
        else if (type === 'pong') resolve()
        else end(new Error(`A subscription got ${type}: ${JSON.stringify(payload)}`))
      })
    })
    // A close follows each error.
    socket.on('error', () => {})
    // Only who waits for it is told; until then the rejection is nobody's.
    taken.catch(() => {})
    await once(socket, 'open')
    send({ type: 'connection_init', payload: { authorization: `Bearer ${options.token}` } })
    await taken
    return new Subscription(socket)
  }

  async close(): Promise<void> {
    this.socket.removeAllListeners('close').removeAllListeners('message')
    if (this.socket.readyState === WebSocket.CLOSED) return
    const closed = once(this.socket, 'close')
    this.socket.close(1000)
    await closed
  }
}
