import type { Viewer } from '../graphql/viewer.js'
import type { Logger } from '../lib/logger.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { TenantStore } from '../tenants/tenant-store.js'
import type { Neighbours, Reply } from '../workers/neighbours.js'

/** A request for GraphQL, of which nothing more is read from its connection. */
export interface GraphRequest {
  method: string
  headers: Record<string, string>
  /** The query of its URL, with the question mark. */
  search: string
  body: unknown
  /** The address that it comes from. */
  origin: string | null
}

export interface GraphAnswer {
  status: number
  headers: [name: string, value: string][]
  body: string
}

const REQUEST = 'request'
/** What is read of a request's headers. */
const HEADERS = ['accept', 'authorization', 'content-type', 'x-api-key']
/** What is longer stays: it would be read and written three times more. */
const BYTES_MAX = 64 * 1024
/** No input is nested as deep. */
const DEPTH_MAX = 32
/** What holds keys of wallets: they are in no process that does not need them. */
const SECRETS = /walletKey|exportKey|seed/i

/** Has mutations done by the worker that the wallet they are for is at home with. */
export class Handing {
  constructor(
    private readonly neighbours: Neighbours,
    private readonly tenants: TenantStore,
    /** Called for each request that another has answered. */
    private readonly handed: () => void,
    private readonly logger: Logger,
  ) {}

  /** Answers what others hand over. */
  serve(answer: (request: GraphRequest) => Promise<GraphAnswer>): void {
    this.neighbours.serve<GraphRequest, GraphAnswer>(REQUEST, (request) => answer(request))
  }

  /**
   * @param viewer who it is from, which is found out again where it is handed to
   * @returns undefined where it is to be done here; `lost` where nobody knows how much of it was done
   */
  async handOver(request: GraphRequest, viewer: () => Promise<Viewer>): Promise<GraphAnswer | 'lost' | undefined> {
    if (!mayBeHanded(request)) return undefined
    // Whoever answers it says what is wrong with it.
    const wallet = await viewer()
      .then((viewer) => this.walletOf(viewer))
      .catch(() => undefined)
    const home = wallet === undefined ? undefined : this.neighbours.elsewhere(wallet)
    if (home === undefined) return undefined
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => HEADERS.includes(name)))
    const reply: Reply<GraphAnswer> = await this.neighbours.askPatiently(home, REQUEST, { ...request, headers })
    if (reply === 'refused') return undefined
    if (reply === 'lost') {
      this.logger.warn('A worker has ended, or stands still, with a request that it was handed', { tenantId: wallet })
      return 'lost'
    }
    this.handed()
    return reply.answer
  }

  /** The wallet that somebody writes to. One whose key only its owner has may be open here and not at home. */
  private async walletOf(viewer: Viewer): Promise<string | undefined> {
    if (viewer.role === 'OPERATOR') return BASE_PROFILE
    if (viewer.role !== 'TENANT') return undefined
    const tenant = await this.tenants.find(viewer.tenantId)
    return tenant?.keyMode === 'MANAGED' ? tenant.id : undefined
  }
}

/** Whether it is the plain request of a mutation, short and without a wallet's key. What only may be one stays here. */
function mayBeHanded({ headers, search, body }: GraphRequest): boolean {
  const isShort = Number(headers['content-length']) <= BYTES_MAX && headers['content-encoding'] === undefined
  if (!isShort || search !== '' || typeof body !== 'object' || body === null) return false
  const { query, variables = null, operationName = null, ...others } = body as Record<string, unknown>
  if (typeof query !== 'string' || !/^\s*mutation\b/.test(query) || SECRETS.test(query)) return false
  return [variables, operationName, others].every((part) => isPlain(part, 0)) && typeof variables === 'object'
}

/** Whether a JSON value is the same after JSON.stringify, and has nothing in it by the name of a secret. */
export function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  const parts = Object.entries(value)
  return depth < DEPTH_MAX && parts.every(([name, part]) => !SECRETS.test(name) && isPlain(part, depth + 1))
}
