import type { Viewer } from '../graphql/viewer.js'
import type { OperatorKeys } from '../operators/operator-keys.js'
import type { Tokens } from '../tenants/tokens.js'

type Holder = Exclude<Viewer, { role: 'ANONYMOUS' }>

interface Watch {
  viewer: Holder
  ended: () => void
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
    private readonly operators: OperatorKeys,
  ) {}

  /** Calls `ended` once the viewer's token or key expires or is revoked, or its tenant is suspended or deleted. */
  watch(viewer: Viewer, ended: () => void): () => void {
    if (viewer.role === 'ANONYMOUS') return () => {}
    const id = viewer.role === 'TENANT' ? viewer.tenantId : viewer.operatorKey.keyId
    const { expiresAt } = viewer.role === 'TENANT' ? viewer : viewer.operatorKey
    const life = expiresAt === null ? undefined : expiresAt * 1000 - Date.now()
    const watch: Watch = { viewer, ended, timer: undefined }
    if (life !== undefined) watch.timer = setTimeout(() => void this.check(id), Math.min(life + 5, TIMER_MAX_MS))
    watch.timer?.unref()
    const watches = this.watches.get(id) ?? new Set()
    this.watches.set(id, watches.add(watch))
    return () => {
      clearTimeout(watch.timer)
      watches.delete(watch)
      if (watches.size === 0) this.watches.delete(id)
    }
  }

  /** Something about the tenant, or the operator key, has changed. */
  async check(id: string): Promise<void> {
    for (const { viewer, ended } of [...(this.watches.get(id) ?? [])]) {
      if (!(await this.holds(viewer).catch(() => false))) ended()
    }
  }

  /** Looks at everything that is followed, for the time when none tells of changes. */
  async checkAll(): Promise<void> {
    for (const id of [...this.watches.keys()]) await this.check(id)
  }

  private async holds(viewer: Holder): Promise<boolean> {
    if (viewer.role === 'OPERATOR') return this.operators.holds(viewer.operatorKey.keyId)
    const found = await this.tokens.find(viewer.tenantId, viewer.tokenId)
    return found !== undefined && found.tenant.state !== 'SUSPENDED'
  }
}
