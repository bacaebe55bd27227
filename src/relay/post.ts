import type { GuardedFetch, GuardedResponse } from '../lib/guarded-fetch.js'
import { Recent } from '../lib/recent.js'
import { Semaphore } from '../lib/semaphore.js'
import type { Outgoing } from './outbox.js'

/** Requests to one origin at once: a peer that hangs takes these, and no more. */
const PER_ORIGIN = 32
/** For how long an old agent is taken for one (ms). */
const OLD_MS = 60 * 60_000

const CONTENT_TYPE = 'application/didcomm-envelope-enc'
/** What agents from before Aries RFC 0044 know instead. */
const OLD_CONTENT_TYPE = 'application/ssi-agent-wire'
const UNSUPPORTED_MEDIA_TYPE = 415

/** Why a message did not arrive. */
export interface Failure {
  reason: string
  /** The peer answered that it does not want the message. */
  refused: boolean
  retryAfterMs?: number
}

/** Takes what a peer has answered a request with. @returns whether it is taken */
export type TakeAnswer = (body: Buffer) => Promise<boolean>

/** What is answered to an envelope that did not have to leave. */
export type NearAnswer = Pick<GuardedResponse, 'status' | 'headers' | 'body'>

/** Whoever takes what is for this gateway itself. */
export interface Nearby {
  isNear(endpoint: string): boolean
  /** @returns undefined where nobody here has it */
  post(endpoint: string, envelope: string): Promise<NearAnswer | undefined>
}

/** Carries single envelopes to their endpoints, by HTTP where they are not this gateway's own. */
export class Post {
  /** Takes what is for this gateway itself. Set by whoever can. */
  near: Nearby = { isNear: () => false, post: async () => undefined }
  private readonly origins = new Map<string, Semaphore>()
  /** Origins that have refused the newer media type. */
  private readonly old = new Recent<string, true>(10_000, OLD_MS)

  constructor(
    private readonly fetch: GuardedFetch,
    private readonly timeoutMs: number,
    /** The longest answer, in bytes. */
    private readonly maxBytes: number,
  ) {}

  /**
   * One request, if `mayGo` still lets it as its turn comes.
   * @returns why it failed; only a 2xx is a delivery, and only once its answer is taken
   */
  async send(
    wallet: string,
    { endpoint, payload }: Outgoing,
    mayGo: () => Promise<boolean>,
    take: TakeAnswer,
  ): Promise<Failure | 'held' | undefined> {
    const origin = originOf(endpoint)
    if (!origin) return (await mayGo()) ? { reason: 'the endpoint is not a URL', refused: true } : 'held'
    try {
      const body = JSON.stringify(payload)
      // What stays here takes no place: whoever takes it may be long about it, and lets others have their turn.
      const isNear = this.near.isNear(endpoint)
      if (isNear && !(await mayGo())) return 'held'
      const response =
        (isNear && (await this.near.post(endpoint, body))) ||
        (await this.inTurn(origin, wallet, async () =>
          isNear || (await mayGo()) ? this.request(endpoint, origin, body) : undefined,
        ))
      if (!response) return 'held'
      const isAnswer = response.status < 300 && response.body.length > 0
      if (isAnswer && !(await take(response.body))) return { reason: 'the answer cannot be taken now', refused: false }
      return failureOf(response.status, response.headers['retry-after'])
    } catch {
      return { reason: 'unreachable', refused: false }
    }
  }

  /** Wallets take turns where more wait than an origin has places for. */
  private async inTurn<T>(origin: string, wallet: string, request: () => Promise<T>): Promise<T> {
    const places = this.origins.get(origin) ?? new Semaphore(PER_ORIGIN)
    this.origins.set(origin, places)
    try {
      return await places.use(request, { key: wallet })
    } finally {
      if (places.waiting === 0 && places.free === PER_ORIGIN) this.origins.delete(origin)
    }
  }

  private async request(endpoint: string, origin: string, body: string) {
    const type = this.old.has(origin) ? OLD_CONTENT_TYPE : CONTENT_TYPE
    const request = {
      method: 'POST',
      headers: { 'content-type': type },
      body,
      timeoutMs: this.timeoutMs,
      maxBytes: this.maxBytes,
    } as const
    const response = await this.fetch.fetch(endpoint, request)
    if (response.status !== UNSUPPORTED_MEDIA_TYPE || type === OLD_CONTENT_TYPE) return response
    this.old.set(origin, true)
    return this.fetch.fetch(endpoint, { ...request, headers: { 'content-type': OLD_CONTENT_TYPE } })
  }
}

function failureOf(status: number, retryAfter: string | string[] | undefined): Failure | undefined {
  if (status >= 200 && status < 300) return undefined
  const refused = status >= 400 && status < 500 && status !== 408 && status !== 429
  return { reason: `status ${status}`, refused, retryAfterMs: retryAfterOf(retryAfter) }
}

/** What a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), in milliseconds. */
function retryAfterOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return ms > 0 ? ms : undefined
}

function originOf(endpoint: string): string | undefined {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : undefined
}
