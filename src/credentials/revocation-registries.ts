import type { AnonCredsRevocationRegistryDefinition, AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import type { RevocationPlace } from '../agent/exchanges/credential-format.js'
import type { Unit } from '../storage/unit.js'

/** Which places are taken: small, as it changes with each credential. */
const REGISTRIES = 'revocation-registry'
/** What is published last: large, and changes only as something is revoked. */
const LISTS = 'revocation-list'

interface Registry {
  definitionId: string
  /** How many places it has; the first is not used, as indices begin at 1. */
  size: number
  /** The next place that is free. */
  next: number
  /** Made as the how manyth of its definition. */
  number: number
}

/** The registry as it was published, and its last status list. */
export interface PublishedRegistry {
  definition: AnonCredsRevocationRegistryDefinition
  metadata: Record<string, unknown>
  list: AnonCredsRevocationStatusList
}

const tagsOf = ({ definitionId, size, next }: Registry) => ({ definitionId, full: next < size ? 'no' : 'yes' })

const entryOf = (id: string, registry: Registry) => ({
  category: REGISTRIES,
  name: id,
  value: JSON.stringify(registry),
  tags: tagsOf(registry),
})

/** The registries of a definition that have places left, the oldest first. */
async function openRegistries(unit: Unit, definitionId: string): Promise<{ id: string; registry: Registry }[]> {
  const entries = await unit.query(REGISTRIES, { definitionId, full: 'no' })
  const registries = entries.map(({ name, value }) => ({ id: name, registry: JSON.parse(value) as Registry }))
  return registries.sort((a, b) => a.registry.number - b.registry.number)
}

/** Registries of a wallet, in units of work of it. That places are taken in them keeps each from being taken twice. */
export const revocationRegistries = {
  /** How many registries of a definition have places left. */
  async open(unit: Unit, definitionId: string): Promise<number> {
    return (await openRegistries(unit, definitionId)).length
  },

  /** Takes the next place. @returns undefined where there is none */
  async take(unit: Unit, definitionId: string): Promise<RevocationPlace | undefined> {
    const [first] = await openRegistries(unit, definitionId)
    if (!first) return undefined
    const { id, registry } = first
    await unit.replace(entryOf(id, { ...registry, next: registry.next + 1 }))
    return { revocationRegistryId: id, index: registry.next }
  },

  /** The number of the next registry of a definition. */
  async nextNumber(unit: Unit, definitionId: string): Promise<number> {
    return (await unit.query(REGISTRIES, { definitionId })).length + 1
  },

  add(unit: Unit, id: string, definitionId: string, number: number, published: PublishedRegistry): void {
    const size = published.definition.value.maxCredNum
    unit.insert(entryOf(id, { definitionId, size, next: 1, number }))
    unit.insert({ category: LISTS, name: id, value: JSON.stringify(published), tags: {} })
  },

  async published(unit: Unit, id: string): Promise<PublishedRegistry | undefined> {
    const entry = await unit.fetch(LISTS, id)
    return entry && (JSON.parse(entry.value) as PublishedRegistry)
  },

  async keepList(unit: Unit, id: string, published: PublishedRegistry): Promise<void> {
    await unit.replace({ category: LISTS, name: id, value: JSON.stringify(published), tags: {} })
  },
}
