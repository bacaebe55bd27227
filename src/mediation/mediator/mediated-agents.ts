import type { Entry } from '../../storage/entry.js'
import { placeInList } from '../../storage/list.js'
import type { Unit } from '../../storage/unit.js'

/** Agents that a wallet mediates for, by their connection, and the keys that each is reached by. */
const AGENTS = 'MediatedAgent'
const KEYS = 'MediatedKey'
const LIST = 'mediated'
/** Where its agents stand, for whoever reads them page by page. */
export const AGENTS_LIST = { category: AGENTS, list: LIST }

/** An agent that this wallet mediates for (Aries RFC 0211). */
export interface MediatedAgent {
  connectionId: string
  /** The key that it talks by, base58; what is for it goes back to whoever holds that. */
  to: string
  endpoint: string
  /** What was granted, base58, the nearest to this wallet first. The first is this agent's alone. */
  routingKeys: [string, ...string[]]
  keys: number
  mail: Mail
}

/** What waits for an agent. */
export interface Mail {
  /** The place given last, and the first that something may lie at. */
  last: number
  first: number
  messages: number
  bytes: number
}

export const NO_MAIL: Mail = { last: 0, first: 1, messages: 0, bytes: 0 }

/** What reads of a wallet: a unit of work, or its profile outside of any. */
export type Reader = Pick<Unit, 'fetch' | 'query'>

export const agentOf = ({ value }: Entry) => JSON.parse(value) as MediatedAgent

const entryOf = (agent: MediatedAgent): Entry => ({
  category: AGENTS,
  name: agent.connectionId,
  value: JSON.stringify(agent),
  tags: { to: agent.to },
})

const keyName = (connectionId: string, key: string) => `${connectionId}/${key}`

export async function findAgent(reader: Reader, connectionId: string): Promise<MediatedAgent | undefined> {
  const entry = await reader.fetch(AGENTS, connectionId)
  return entry && agentOf(entry)
}

/** The agents that talk by a key; more than one where an agent has connected again by the same. */
export async function agentsBehind(reader: Reader, to: string): Promise<MediatedAgent[]> {
  return (await reader.query(AGENTS, { to })).map(agentOf)
}

export async function allAgents(reader: Reader): Promise<MediatedAgent[]> {
  return (await reader.query(AGENTS, {})).map(agentOf)
}

export const countAgents = (unit: Unit): Promise<number> => unit.count(AGENTS)

export async function putAgent(unit: Unit, agent: MediatedAgent): Promise<void> {
  const entry = entryOf(agent)
  if (await unit.replace(entry)) return
  unit.insert({ ...entry, tags: { ...entry.tags, ...placeInList(unit.head, LIST, Date.now()).tags } })
}

export async function hasKey(reader: Reader, connectionId: string, key: string): Promise<boolean> {
  return (await reader.fetch(KEYS, keyName(connectionId, key))) !== undefined
}

/** The keys (base58) that an agent is reached by, in an order that stays. */
export async function keysOf(reader: Reader, connectionId: string): Promise<string[]> {
  const entries = await reader.query(KEYS, { agent: connectionId })
  return entries.map(({ name }) => name.slice(connectionId.length + 1)).sort()
}

/** Adds a key, which must not be there yet. */
export function addKey(unit: Unit, agent: MediatedAgent, key: string): void {
  const { connectionId } = agent
  unit.insert({ category: KEYS, name: keyName(connectionId, key), value: '{}', tags: { agent: connectionId } })
  agent.keys += 1
}

/** @returns false where there is no such key */
export async function removeKey(unit: Unit, agent: MediatedAgent, key: string): Promise<boolean> {
  if (!(await unit.remove(KEYS, keyName(agent.connectionId, key)))) return false
  agent.keys -= 1
  return true
}

/** Removes an agent and its keys. */
export async function removeAgent(unit: Unit, { connectionId }: MediatedAgent): Promise<void> {
  for (const { name } of await unit.query(KEYS, { agent: connectionId })) await unit.remove(KEYS, name)
  await unit.remove(AGENTS, connectionId)
}
