import { decodeCursor, encodeCursor } from '../events/cursor.js'
import type { EventTopic, LoggedEvent } from '../events/event.js'
import { lengthOf } from '../events/event-length.js'
import type { EventHub } from '../events/hub.js'
import { assertReadable, readLog } from '../events/log.js'
import { type EventStream, openStream } from '../events/stream.js'
import { fitting, type Page, type PageArgs, pageOf, pageRequest } from '../graphql/page.js'
import { unauthenticated } from '../lib/errors.js'
import type { Profile } from '../storage/profile.js'
import type { Profiles } from '../storage/profiles.js'
import type { TenantService } from '../tenants/tenant.service.js'
import type { TenantStore } from '../tenants/tenant-store.js'

/** An event as the API shows it: the interface's fields, and those of its type. */
export type EventNode = Record<string, unknown> & { id: string; cursor: string; tenantId: string; topic: EventTopic }

export interface EventFilter {
  topics?: readonly EventTopic[] | null
  tenantIds?: readonly string[] | null
}

/** The event log of a tenant, or of the base stream, as its reader is allowed to see it. */
export class EventService {
  constructor(
    private readonly profiles: Profiles,
    private readonly hub: EventHub,
    private readonly tenants: TenantStore,
    private readonly lifecycle: TenantService,
    private readonly capacity: number,
  ) {}

  /** The past of a log; its cursors are those of the stream. `tenantId` undefined is the base stream. */
  async page(tenantId: string | undefined, args: PageArgs, filter: EventFilter): Promise<Page<EventNode>> {
    const profile = await this.logOf(tenantId)
    const request = pageRequest(args, (cursor, field) => decodeCursor(cursor, profile.name, field))
    const head = await profile.head()
    const { after, before } = request
    if (after !== undefined) assertReadable(head, after)
    // It is read up to the place in front of it, which the first event that is kept has too.
    if (before !== undefined) for (const place of [before, Math.max(before - 1, 0)]) assertReadable(head, place)
    const found = await readLog(
      profile,
      {
        after: after ?? 0,
        before,
        limit: request.limit + 1,
        reverse: request.reverse,
        whole: after !== undefined,
        matches: matcher(tenantId, filter),
      },
      head,
    )
    const empty = after ?? (before === undefined ? head.seq : Math.max(before - 1, 0))
    const limit = fitting(found, request.limit, lengthOf)
    return pageOf(
      { ...request, limit },
      found,
      (event) => ({ node: nodeOf(event, profile), cursor: cursorOf(event.seq, profile) }),
      cursorOf(empty, profile),
    )
  }

  /** Opens a stream: see `openStream`. */
  async open(
    tenantId: string | undefined,
    after: string | null | undefined,
    filter: EventFilter,
  ): Promise<EventStream> {
    const profile = await this.logOf(tenantId)
    const stream = await openStream(this.hub, {
      profile,
      after: after ?? undefined,
      matches: matcher(tenantId, filter),
      capacity: this.capacity,
    })
    // From here on changes of the tenant are told as they happen; one may have come in between.
    try {
      await this.logOf(tenantId)
    } catch (error) {
      stream.end()
      throw error
    }
    return stream
  }

  node(event: LoggedEvent, tenantId: string | undefined): EventNode {
    return nodeOf(event, tenantId === undefined ? this.profiles.base : this.profiles.of(tenantId))
  }

  private async logOf(tenantId: string | undefined): Promise<Profile> {
    if (tenantId === undefined) return this.profiles.base
    const tenant = await this.tenants.find(tenantId)
    if (!tenant) throw unauthenticated()
    await this.lifecycle.copyLifecycle(tenant)
    return this.profiles.of(tenantId)
  }
}

/** A tenant that dispatched an event to BASE alone does not see it on its own stream, but for its TenantEvents. */
function matcher(tenantId: string | undefined, { topics, tenantIds }: EventFilter): (event: LoggedEvent) => boolean {
  return (event) =>
    (topics == null || topics.includes(event.topic)) &&
    (tenantIds == null || tenantIds.includes(event.tenantId)) &&
    (tenantId === undefined || event.topic === 'TENANT' || event.dispatch !== 'BASE')
}

const cursorOf = (seq: number, { name }: Profile) => encodeCursor({ log: name, seq })

function nodeOf({ id, seq, tenantId, topic, occurredAt, payload }: LoggedEvent, profile: Profile): EventNode {
  return { ...payload, id, tenantId, topic, occurredAt, cursor: cursorOf(seq, profile) }
}
