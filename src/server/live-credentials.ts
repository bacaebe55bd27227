import type { Viewer } from '../graphql/viewer.js'
import type { Tokens } from '../tenants/tokens.js'

interface Watch {
  viewer: Extract<Viewer, { role: 'TENANT' }>
  ended: () => void
  timer: NodeJS.Timeout | undefined
}

/** The longest that a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** Follows the credentials of everything that stays open, and ends it when they stop to hold. */
export class LiveCredentials {
  private readonly watches = new Map<string, Set<Watch>>()

  constructor(private readonly tokens: Tokens) {}

  /** Calls `ended` once the viewer's token expires or is revoked, or its tenant is suspended or deleted. */
  watch(viewer: Viewer, ended: () => void): () => void {
    if (viewer.role !== 'TENANT') return () => {}
    const life = viewer.expiresAt === null ? undefined : viewer.expiresAt * 1000 - Date.now()
    const watch: Watch = { viewer, ended, timer: undefined }
    if (life !== undefined)
      watch.timer = setTimeout(() => void this.check(viewer.tenantId), Math.min(life + 5, TIMER_MAX_MS))
    watch.timer?.unref()
    const watches = this.watches.get(viewer.tenantId) ?? new Set()
    this.watches.set(viewer.tenantId, watches.add(watch))
    return () => {
      clearTimeout(watch.timer)
      watches.delete(watch)
      if (watches.size === 0) this.watches.delete(viewer.tenantId)
    }
  }

  /** Something about the tenant has changed. */
  async check(tenantId: string): Promise<void> {
    for (const { viewer, ended } of [...(this.watches.get(tenantId) ?? [])]) {
      const found = await this.tokens.find(tenantId, viewer.tokenId).catch(() => undefined)
      if (!found || found.tenant.state === 'SUSPENDED') ended()
    }
  }

  /** Looks at every tenant that is followed, for the time when none tells of changes. */
  async checkAll(): Promise<void> {
    for (const tenantId of [...this.watches.keys()]) await this.check(tenantId)
  }
}
