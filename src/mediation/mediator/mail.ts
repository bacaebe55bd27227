import type { Entry } from '../../storage/entry.js'
import type { Unit } from '../../storage/unit.js'
import { type Mail, type MediatedAgent, putAgent, type Reader } from './mediated-agents.js'

const MESSAGES = 'MediatedMessage'

/** Messages are read by pages of so many. */
const PAGE = 20

/** A sealed message that waits for an agent. */
export interface Letter {
  /** Its place, and so its order. */
  n: number
  /** When it came: milliseconds since the epoch. */
  at: number
  bytes: number
  /** The key that it is sealed for, base58. */
  key: string
  envelope: Record<string, unknown>
}

/** How much may be taken at once, after which place, and of which key alone. */
export interface Want {
  count: number
  bytes: number
  after?: number
  key?: string
}

/** What an agent calls a message by: at least eight characters, as message ids have (Aries RFC 0217). */
export const idOf = ({ n }: Pick<Letter, 'n'>) => `${n}`.padStart(12, '0')

const nameOf = (connectionId: string, n: number) => `${connectionId}/${idOf({ n })}`
const pageOf = (connectionId: string, n: number) => `${connectionId}/${Math.floor(n / PAGE)}`
const letterOf = ({ value }: Entry) => JSON.parse(value) as Letter

/** Lays a message down for an agent. @returns false where the same bytes wait there already */
export async function lay(
  unit: Unit,
  agent: MediatedAgent,
  letter: Omit<Letter, 'n' | 'at'> & { digest: string },
): Promise<boolean> {
  const { digest, ...rest } = letter
  const { connectionId, mail } = agent
  const tag = `${connectionId}/${digest}`
  if ((await unit.query(MESSAGES, { digest: tag })).length > 0) return false
  mail.last += 1
  mail.messages += 1
  mail.bytes += rest.bytes
  const n = mail.last
  unit.insert({
    category: MESSAGES,
    name: nameOf(connectionId, n),
    value: JSON.stringify({ ...rest, n, at: Date.now() }),
    tags: { page: pageOf(connectionId, n), digest: tag },
  })
  await putAgent(unit, agent)
  return true
}

/** The oldest of what waits for an agent, in order; at least one where there is any. */
export async function read(reader: Reader, { connectionId, mail }: MediatedAgent, want: Want): Promise<Letter[]> {
  const found: Letter[] = []
  let bytes = 0
  const from = Math.max(mail.first, (want.after ?? 0) + 1)
  for (let n = from; n <= mail.last && found.length < want.count; n = (Math.floor(n / PAGE) + 1) * PAGE) {
    for (const letter of await readPage(reader, connectionId, n)) {
      if (letter.n < from || (want.key !== undefined && letter.key !== want.key)) continue
      bytes += letter.bytes
      if (found.length === want.count || (found.length > 0 && bytes > want.bytes)) return found
      found.push(letter)
    }
  }
  return found
}

/** Removes what has arrived, by ids as the agent calls them. */
export async function remove(unit: Unit, agent: MediatedAgent, ids: readonly string[]): Promise<void> {
  const { connectionId, mail } = agent
  let removed = 0
  for (const id of new Set(ids)) {
    const name = `${connectionId}/${id}`
    const entry = await unit.fetch(MESSAGES, name)
    if (!entry) continue
    const { n, bytes } = letterOf(entry)
    await unit.remove(MESSAGES, name)
    mail.messages -= 1
    mail.bytes -= bytes
    if (n === mail.first) mail.first += 1
    removed += 1
  }
  if (mail.messages === 0) mail.first = mail.last + 1
  if (removed > 0) await putAgent(unit, agent)
}

/** Removes all that waits for an agent that goes. */
export async function removeAll(unit: Unit, { connectionId, mail }: MediatedAgent): Promise<void> {
  for (let n = mail.first; n <= mail.last; n = (Math.floor(n / PAGE) + 1) * PAGE) {
    for (const letter of await readPage(unit, connectionId, n))
      await unit.remove(MESSAGES, nameOf(connectionId, letter.n))
  }
}

/** How many messages wait for a key of an agent. */
export async function countOf(reader: Reader, agent: MediatedAgent, key: string): Promise<number> {
  return (await read(reader, agent, { count: agent.mail.messages, bytes: Number.POSITIVE_INFINITY, key })).length
}

export const isEmpty = ({ messages }: Mail) => messages === 0

async function readPage(reader: Reader, connectionId: string, n: number): Promise<Letter[]> {
  const entries = await reader.query(MESSAGES, { page: pageOf(connectionId, n) })
  return entries.map(letterOf).sort((a, b) => a.n - b.n)
}
