import type { Viewer } from '../graphql/viewer.js'
import { cannotTell, type GatewayError, tenantSuspended, unauthenticated } from '../lib/errors.js'
import type { OperatorKeys } from '../operators/operator-keys.js'
import type { TenantStore } from '../tenants/tenant-store.js'
import type { Tokens } from '../tenants/tokens.js'

type Holder = Exclude<Viewer, { role: 'ANONYMOUS' }>

interface Watch {
  viewer: Holder
  ended: (why: GatewayError) => void
  timer: NodeJS.Timeout | undefined
}

/** The longest that a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** Follows the credentials of everything that stays open, and ends it when they stop to hold. */
export class LiveCredentials {
  /** By what they hang on: a tenant, or an operator key. */
  private readonly watches = new Map<string, Set<Watch>>()

  constructor(
    private readonly tokens: Tokens,
    private readonly tenants: TenantStore,
    private readonly operators: OperatorKeys,
  ) {}

  /** Calls `ended` once the viewer's token or key expires or is revoked, or its tenant is suspended or deleted, or where that cannot be told. */
  watch(viewer: Viewer, ended: (why: GatewayError) => void): () => void {
    if (viewer.role === 'ANONYMOUS') return () => {}
    const id = viewer.role === 'TENANT' ? viewer.tenantId : viewer.operatorKey.keyId
    const watch: Watch = { viewer, ended, timer: undefined }
    this.awaitExpiry(watch, id)
    const watches = this.watches.get(id) ?? new Set()
    this.watches.set(id, watches.add(watch))
    // What has changed since the viewer was found out was told only to those that were watched then.
    void this.checkOne(watch)
    return () => {
      clearTimeout(watch.timer)
      watches.delete(watch)
      if (watches.size === 0 && this.watches.get(id) === watches) this.watches.delete(id)
    }
  }

  /** Something about the tenant, or the operator key, has changed. */
  async check(id: string): Promise<void> {
    for (const watch of [...(this.watches.get(id) ?? [])]) await this.checkOne(watch)
  }

  /** Looks at everything that is followed, for the time when none tells of changes. */
  async checkAll(): Promise<void> {
    for (const id of [...this.watches.keys()]) await this.check(id)
  }

  private async checkOne({ viewer, ended }: Watch): Promise<void> {
    // Nothing stays open on the strength of credentials that cannot be looked at; but they may hold.
    const why = await this.failureOf(viewer).catch(cannotTell)
    if (why) ended(why)
  }

  private async failureOf(viewer: Holder): Promise<GatewayError | undefined> {
    if (viewer.role === 'OPERATOR') {
      return (await this.operators.holds(viewer.operatorKey.keyId)) ? undefined : unauthenticated()
    }
    const { tenantId, tokenId, expiresAt } = viewer
    if (expiresAt !== null && expiresAt <= Date.now() / 1000) return unauthenticated()
    const tenant =
      tokenId === null ? await this.tenants.find(tenantId) : (await this.tokens.find(tenantId, tokenId))?.tenant
    if (tenant === undefined || tenant.deleting) return unauthenticated()
    return tenant.suspended ? tenantSuspended() : undefined
  }

  private awaitExpiry(watch: Watch, id: string): void {
    const { viewer } = watch
    const { expiresAt } = viewer.role === 'TENANT' ? viewer : viewer.operatorKey
    if (expiresAt === null) return
    const life = expiresAt * 1000 - Date.now() + 5
    watch.timer = setTimeout(
      () => (life > TIMER_MAX_MS ? this.awaitExpiry(watch, id) : void this.check(id)),
      Math.min(life, TIMER_MAX_MS),
    ).unref()
  }
}
