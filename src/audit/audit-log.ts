import { badInput } from '../lib/errors.js'
import type { Entry, TagQuery } from '../storage/entry.js'
import type { Listed } from '../storage/list.js'
import type { Profile } from '../storage/profile.js'
import { AUDIT_CATEGORY, AUDIT_LIST, type AuditAction, type AuditEntry } from './audit.js'

/** Which entries are looked for; all conditions hold. */
export interface AuditQuery {
  tenantId?: string | null
  action?: AuditAction | null
  /** The id of an operator key, or of a token. */
  actor?: string | null
  /** RFC 3339, from and before. */
  since?: string | null
  until?: string | null
}

interface Stretch {
  limit: number
  reverse?: boolean
  after?: number
  before?: number
}

/** How many old entries are removed at once. */
const TRIM_BATCH = 100
const FIRST = { category: '_audit-first', name: 'first' }

export const auditEntryOf = ({ value }: Entry) => JSON.parse(value) as AuditEntry

/** Reads the audit log, and drops what is too old. */
export class AuditLog {
  constructor(private readonly base: Profile) {}

  /** The places between which the entries of a time are. @throws BAD_USER_INPUT for a time that is none */
  async between({ since, until }: Pick<AuditQuery, 'since' | 'until'>): Promise<{ after: number; before?: number }> {
    const first = since == null ? await this.first() : await this.placeAt(timeOf(since, 'since'))
    const end = until == null ? {} : { before: await this.placeAt(timeOf(until, 'until')) }
    return { after: first - 1, ...end }
  }

  /** @throws BAD_USER_INPUT for a time that is none */
  async list({ tenantId, action, actor, since, until }: AuditQuery, stretch: Stretch): Promise<Listed[]> {
    const filter: TagQuery = {
      ...(tenantId == null ? {} : { tenant: tenantId }),
      ...(action == null ? {} : { action }),
      ...(actor == null ? {} : { actor }),
    }
    const found = await this.between({ since, until })
    const after = Math.max(stretch.after ?? 0, found.after)
    const before = Math.min(stretch.before ?? Number.MAX_SAFE_INTEGER, found.before ?? Number.MAX_SAFE_INTEGER)
    return this.base.list({ category: AUDIT_CATEGORY, list: AUDIT_LIST, filter, ...stretch, after, before })
  }

  /** Removes what is older than `retentionMs`; nothing where that is null. */
  async trim(retentionMs: number | null): Promise<void> {
    if (retentionMs === null) return
    const cutoff = new Date(Date.now() - retentionMs).toISOString()
    for (;;) {
      const batch = await this.list({}, { limit: TRIM_BATCH })
      const old = batch.filter(({ entry }) => auditEntryOf(entry).at < cutoff)
      const last = old.at(-1)
      if (!last) return
      await this.base.transact(async (unit) => {
        for (const { entry } of old) await unit.remove(AUDIT_CATEGORY, entry.name)
        const next = { ...FIRST, value: JSON.stringify(last.n + 1), tags: {} }
        if (!(await unit.replace(next))) unit.insert(next)
      })
    }
  }

  /** The place of the oldest entry that is kept. */
  private async first(): Promise<number> {
    const entry = await this.base.fetch(FIRST.category, FIRST.name)
    return entry ? (JSON.parse(entry.value) as number) : 1
  }

  /** The first place whose entry is of `time` or later: places are in the order of time, so it is found by halves. */
  private async placeAt(time: string): Promise<number> {
    const { lists } = await this.base.head()
    let [low, high] = [await this.first(), (lists[AUDIT_LIST]?.n ?? 0) + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const one = { category: AUDIT_CATEGORY, list: AUDIT_LIST, filter: {}, limit: 1 }
      const [found] = await this.base.list({ ...one, after: middle - 1, before: middle + 1 })
      // One that is gone was among the oldest.
      if (!found || auditEntryOf(found.entry).at < time) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** As entries have it, so that texts compare as times do. */
function timeOf(text: string, field: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw badInput('Write a time like 2026-01-31T12:00:00Z.', field)
  return time.toISOString()
}
