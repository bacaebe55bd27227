import { AsyncLocalStorage } from 'node:async_hooks'
import type { Inbound, InboundOutcome } from '../relay/inbound.js'
import type { NearAnswer, Nearby } from '../relay/post.js'
import type { ReturnPaths } from '../relay/return-paths.js'
import type { TenantEndpoints } from '../tenants/endpoints.js'
import { answerTo } from './didcomm.js'
import { RequestPath } from './request-path.js'

/**
 * Takes what wallets here send to wallets here, as `POST /didcomm` would, but without a request, which is a tenth
 * of what a message costs.
 */
export class Near implements Nearby {
  /** What is handled belongs to nobody's request, as if it had come from outside. */
  private readonly outside = AsyncLocalStorage.snapshot()

  constructor(
    private readonly inbound: Inbound,
    private readonly returns: ReturnPaths,
    private readonly endpoints: TenantEndpoints,
    private readonly maxBytes: number,
    private readonly observe: (outcome: InboundOutcome) => void,
  ) {}

  isNear(endpoint: string): boolean {
    const { shared } = this.endpoints
    return endpoint === shared || endpoint.startsWith(`${shared}/`)
  }

  /** @returns undefined where the network has to be asked, as nobody here has the key */
  async post(endpoint: string, envelope: string): Promise<NearAnswer | undefined> {
    const body = Buffer.from(envelope)
    if (body.length > this.maxBytes) return undefined
    return this.outside(() => this.take(new URL(endpoint), body))
  }

  private async take({ host, pathname }: URL, body: Buffer): Promise<NearAnswer | undefined> {
    const path = new AnswerPath()
    const received = await this.inbound.receive(body, () => this.endpoints.reachedAt(host, pathname), path)
    const isAnswered = await path.answered()
    this.returns.close(path)
    // Another gateway may share the URL, and have it.
    if (received.outcome === 'unknown-recipient') return undefined
    this.observe(received.outcome)
    if (isAnswered) return { status: 200, headers: {}, body: path.envelope }
    const { status, retryAfter } = answerTo(received)
    return { status, headers: retryAfter ? { 'retry-after': `${retryAfter}` } : {}, body: Buffer.alloc(0) }
  }
}

class AnswerPath extends RequestPath {
  protected readonly isAwaited = true
  envelope = Buffer.alloc(0)

  protected async answer(envelope: string): Promise<boolean> {
    this.envelope = Buffer.from(envelope)
    return true
  }
}
