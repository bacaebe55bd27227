import assert from 'node:assert/strict'
import type { AnyEvent, ApiClient } from './client.js'
import { EVENT_FIELDS } from './client.js'

/** The place that the cursor of an event names, and the log. */
export function placeOf(cursor: string): { log: string; seq: number } {
  const match = /^e1:([\w-]+):(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  assert.ok(match, `${cursor} is no cursor of events`)
  return { log: match[1] as string, seq: Number(match[2]) }
}

/** Fails where the events do not follow each other without gap or repeat. */
export function assertGapless(events: AnyEvent[], first?: number): void {
  const seqs = events.map(({ cursor }) => placeOf(cursor).seq)
  const start = first ?? seqs[0] ?? 1
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => start + index),
  )
}

/** All events of a caller's stream that can still be read, page by page. */
export async function readEvents(client: ApiClient, after?: string): Promise<AnyEvent[]> {
  const events: AnyEvent[] = []
  for (let cursor = after; ; ) {
    const { events: page } = await client.ask(
      `query($after: String) { events(first: 100, after: $after) {
        nodes { ${EVENT_FIELDS} } pageInfo { hasNextPage endCursor } } }`,
      { after: cursor },
    )
    events.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return events
    cursor = page.pageInfo.endCursor
  }
}

const LISTS = {
  connections: 'id state role theirLabel invitationId errorMessage updatedAt',
  basicMessages: 'id connectionId role content',
  invitations: 'id state',
}

/** A whole list of a tenant's wallet, page by page. */
// biome-ignore lint/suspicious/noExplicitAny: tests read answers field by field
export async function readAll(client: ApiClient, list: keyof typeof LISTS): Promise<any[]> {
  const nodes: unknown[] = []
  for (let cursor: string | undefined; ; ) {
    const data = await client.ask(
      `query($after: String) { ${list}(first: 100, after: $after) {
        nodes { ${LISTS[list]} } pageInfo { hasNextPage endCursor } } }`,
      { after: cursor },
    )
    nodes.push(...data[list].nodes)
    if (!data[list].pageInfo.hasNextPage) return nodes
    cursor = data[list].pageInfo.endCursor
  }
}

/**
 * Fails where a wallet and what was told of it come apart: each connection, invitation and message is as its last event
 * says, and each event is of something that is there. The log is read before and after the wallet, so that what changes
 * meanwhile is read again.
 */
export async function assertToldIsTrue(client: ApiClient): Promise<AnyEvent[]> {
  for (;;) {
    const events = await readEvents(client)
    assertGapless(events, 1)
    const [connections, messages, invitations] = await Promise.all([
      readAll(client, 'connections'),
      readAll(client, 'basicMessages'),
      readAll(client, 'invitations'),
    ])
    const later = await readEvents(client, events.at(-1)?.cursor)
    if (later.length > 0) continue
    const told = <T>(pick: (event: AnyEvent) => T | undefined) => events.flatMap((event) => pick(event) ?? [])
    assert.deepEqual(
      latest(
        told(({ connection }) => connection),
        ({ id, state, updatedAt }) => [id, `${state} ${updatedAt}`],
      ),
      latest(connections, ({ id, state, updatedAt }) => [id, `${state} ${updatedAt}`]),
    )
    assert.deepEqual(
      latest(
        told(({ invitation }) => invitation),
        ({ id, state }) => [id, state],
      ),
      latest(invitations, ({ id, state }) => [id, state]),
    )
    assert.deepEqual(
      told(({ message }) => message).map(({ id, role, content }) => ({ id, role, content })),
      messages.map(({ id, role, content }) => ({ id, role, content })),
    )
    return events
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests read answers field by field
function latest(things: any[], entry: (thing: any) => [string, string]): Record<string, string> {
  return Object.fromEntries(things.map(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
}
