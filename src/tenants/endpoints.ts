import { badInput } from '../lib/errors.js'
import { Recent } from '../lib/recent.js'
import { endpointKey } from './tenant.js'
import type { TenantStore } from './tenant-store.js'

const SLUG = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/
const SLUG_PATH = /^\/didcomm\/t\/([^/]+)$/
/** Other paths are the gateway's own. */
const URL_PATH = /^\/?$|^\/didcomm(?!\/t\/)(?:\/[\w.~-]+)*$/
const LENGTH_MAX = 512
/** How long an endpoint that nobody has is taken for unknown without a look (ms). */
const UNKNOWN_MS = 2000

/** Whom what is sent to a place can reach: the one tenant whose endpoint it is, null for nobody, undefined for all. */
export type Reached = string | null | undefined

/**
 * Endpoints that tenants have of their own, beside the one that they share. One is kept as a slug, which follows
 * PUBLIC_URL, or as the whole URL of a domain that leads to this gateway.
 */
export class TenantEndpoints {
  private readonly known = new Recent<string, string>(20_000)
  private readonly unknown = new Recent<string, true>(10_000, UNKNOWN_MS)
  private changes = 0

  constructor(
    private readonly tenants: TenantStore,
    private readonly publicUrl: () => string,
  ) {}

  /** The endpoint that all tenants share. */
  get shared(): string {
    return `${this.publicUrl()}/didcomm`
  }

  /** @returns the endpoint as it is kept @throws BAD_USER_INPUT */
  parse(text: string): string {
    const prefix = `${this.shared}/t/`
    const slug = text.startsWith(prefix) ? text.slice(prefix.length) : text
    if (SLUG.test(slug)) return slug
    const url = text.length <= LENGTH_MAX && URL.canParse(text) ? new URL(text) : undefined
    if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}${url.pathname}`) {
      throw badInput(
        'endpoint must be a slug (1 to 63 of a-z, 0-9 and inner hyphens), or an http or https URL without query.',
        'input.endpoint',
      )
    }
    if (url.host === this.host) {
      throw badInput("On the gateway's own domain give a slug. A URL is for another domain.", 'input.endpoint')
    }
    const path = url.pathname.replace(/\/+$/, '')
    if (!URL_PATH.test(path)) {
      throw badInput('The path of endpoint must be empty, /didcomm, or below that but not below /t.', 'input.endpoint')
    }
    return `${url.origin}${path}`
  }

  /** Where peers reach a tenant. */
  urlOf({ endpoint }: { endpoint: string | null }): string {
    if (endpoint === null) return this.shared
    return URL.canParse(endpoint) ? endpoint : `${this.shared}/t/${endpoint}`
  }

  /** What the URLs of a tenant's invitations are made with. */
  domainOf({ endpoint }: { endpoint: string | null }): string {
    return endpoint !== null && URL.canParse(endpoint) ? new URL(endpoint).origin : this.publicUrl()
  }

  /** Whom a request can reach, by the host that it names and its path. */
  async reachedAt(host: string | undefined, path: string): Promise<Reached> {
    const slug = SLUG_PATH.exec(path)?.[1]
    if (slug !== undefined) return (await this.find(slug)) ?? null
    const trimmed = path.replace(/\/+$/, '')
    const owner = host === undefined || host === this.host ? undefined : await this.find(`${host}${trimmed || '/'}`)
    return owner ?? (trimmed === '/didcomm' ? undefined : null)
  }

  /** A tenant has changed, here or on another instance: what was nobody's may be its. */
  forget(): void {
    this.changes += 1
    this.unknown.clear()
  }

  private async find(key: string): Promise<string | undefined> {
    const known = this.known.get(key)
    const tenant = known === undefined ? undefined : await this.tenants.find(known)
    if (tenant && tenant.endpoint !== null && endpointKey(tenant.endpoint) === key) return known
    this.known.delete(key)
    if (key.length > LENGTH_MAX || this.unknown.has(key)) return undefined
    const { changes } = this
    const id = await this.tenants.idByEndpoint(key)
    if (id !== undefined) this.known.set(key, id)
    // It may have been given to somebody while it was looked for.
    else if (changes === this.changes) this.unknown.set(key, true)
    return id
  }

  private get host(): string {
    return new URL(this.publicUrl()).host
  }
}
