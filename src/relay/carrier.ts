import { parseEnvelope } from './envelope.js'
import type { Links } from './links.js'
import type { Outgoing } from './outbox.js'
import type { Failure, Post } from './post.js'
import type { ReturnPaths } from './return-paths.js'

/** Carries single envelopes: by an open return path where there is one, else to their endpoints. */
export class Carrier {
  /** Takes the envelope that a peer has answered a request with. @returns whether it is done with; set by whoever takes them */
  takeAnswer: (wallet: string, envelope: Buffer) => Promise<boolean> = async () => true

  constructor(
    private readonly paths: ReturnPaths,
    private readonly post: Post,
    private readonly links: Links,
  ) {}

  /** Once, if `mayGo` still lets it as its turn comes. @returns why it failed */
  async send(wallet: string, message: Outgoing, mayGo: () => Promise<boolean>): Promise<Failure | 'held' | undefined> {
    const path = this.paths.find(wallet, message)
    if (!path) return this.toEndpoint(wallet, message, mayGo)
    if (!(await mayGo())) return 'held'
    const { inner = message.payload } = message
    return (await path.send(JSON.stringify(inner))) ? undefined : this.toEndpoint(wallet, message, async () => true)
  }

  private async toEndpoint(
    wallet: string,
    message: Outgoing,
    mayGo: () => Promise<boolean>,
  ): Promise<Failure | 'held' | undefined> {
    const { endpoint, connectionId, payload } = message
    // Many answer by a word or two, which is nothing to be taken.
    const take = async (body: Buffer) => !parseEnvelope(body) || this.takeAnswer(wallet, body)
    if (!/^wss?:/.test(endpoint)) return this.post.send(wallet, message, mayGo, take)
    if (!(await mayGo())) return 'held'
    const hasArrived = await this.links.send(wallet, endpoint, connectionId, JSON.stringify(payload))
    return hasArrived ? undefined : { reason: 'unreachable', refused: false }
  }
}
