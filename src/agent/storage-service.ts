import {
  type AgentContext,
  type BaseRecordConstructor,
  type Query,
  RecordDuplicateError,
  RecordNotFoundError,
  type StorageService,
} from '@credo-ts/core'
import { type Entry, ownTags, type TagQuery, type Tags } from '../storage/entry.js'
import { placeInList } from '../storage/list.js'
import type { Unit } from '../storage/unit.js'
import { type RecordJson, type RecordObserver, WalletOwner } from './ports.js'
import { type AnyRecord, jsonOf, recordFrom } from './record-json.js'
import { fromTagValues, queryFrom, toTagValues } from './record-tags.js'
import type { Wallets } from './wallets.js'

/**
 * Credo's storage, on units of work: reads see what the unit changed, writes are gathered, and for each change the
 * observer of its record type says what else belongs to it, so that a record and its event cannot come apart.
 */
export class UnitStorageService<T extends AnyRecord = AnyRecord> implements StorageService<T> {
  readonly supportsCursorPagination = false
  private readonly observers: Map<string, RecordObserver>

  constructor(
    private readonly wallets: Wallets,
    observers: RecordObserver[],
  ) {
    this.observers = new Map(observers.map((observer) => [observer.type, observer]))
  }

  save(context: AgentContext, record: T): Promise<void> {
    return this.wallets.inUnit(context, async (unit) => {
      if (unit.fetchOwn(record.type, record.id)) {
        throw new RecordDuplicateError(`Record with id ${record.id} already exists`, { recordType: record.type })
      }
      const observer = this.observers.get(record.type)
      record.updatedAt = new Date()
      const after = jsonOf(record)
      const list = observer?.list?.(after)
      const place = list ? placeInList(unit.head, list, record.createdAt.getTime()) : undefined
      if (place) {
        record.createdAt = new Date(place.createdAt)
        after['createdAt'] = record.createdAt.toISOString()
      }
      const tags = this.tagsOf(record, after)
      unit.insert({
        category: record.type,
        name: record.id,
        value: JSON.stringify(after),
        tags: { ...tags, ...place?.tags },
      })
      await this.observed(context, unit, observer, { after, tags })
    })
  }

  update(context: AgentContext, record: T): Promise<void> {
    return this.wallets.inUnit(context, async (unit) => {
      const stored = await unit.fetch(record.type, record.id)
      if (!stored) throw notFound(record.type, record.id)
      const before = JSON.parse(stored.value) as RecordJson
      const after = jsonOf(record)
      const tags = this.tagsOf(record, after)
      if (sameBut(before, after, 'updatedAt') && sameTags(ownTags(stored.tags), ownTags(tags))) return
      record.updatedAt = new Date()
      after['updatedAt'] = record.updatedAt.toISOString()
      const observer = this.observers.get(record.type)
      const list = '_n' in stored.tags ? undefined : observer?.list?.(after)
      const place = list ? placeInList(unit.head, list, record.createdAt.getTime()) : undefined
      await unit.replace({
        category: record.type,
        name: record.id,
        value: JSON.stringify(after),
        tags: { ...tags, ...place?.tags },
      })
      await this.observed(context, unit, observer, { before, after, tags })
    })
  }

  async updateByIdWithLock(
    context: AgentContext,
    recordClass: BaseRecordConstructor<T>,
    id: string,
    change: (record: T) => Promise<T>,
  ): Promise<T> {
    return this.wallets.inUnit(context, async () => {
      const record = await change(await this.getById(context, recordClass, id))
      await this.update(context, record)
      return record
    })
  }

  supportsLocking(): boolean {
    return true
  }

  delete(context: AgentContext, record: T): Promise<void> {
    return this.remove(context, record.type, record.id)
  }

  deleteById(context: AgentContext, recordClass: BaseRecordConstructor<T>, id: string): Promise<void> {
    return this.remove(context, recordClass.type, id)
  }

  getById(context: AgentContext, recordClass: BaseRecordConstructor<T>, id: string): Promise<T> {
    return this.wallets.inUnit(context, async (unit) => {
      const entry = await unit.fetch(recordClass.type, id)
      if (!entry) throw notFound(recordClass.type, id)
      return instanceOf(entry, recordClass)
    })
  }

  getAll(context: AgentContext, recordClass: BaseRecordConstructor<T>): Promise<T[]> {
    return this.findByQuery(context, recordClass, {} as Query<T>)
  }

  findByQuery(
    context: AgentContext,
    recordClass: BaseRecordConstructor<T>,
    query: Query<T>,
    options?: { offset?: number; limit?: number },
  ): Promise<T[]> {
    return this.wallets.inUnit(context, async (unit) => {
      const entries = await unit.query(recordClass.type, queryFrom(query as Record<string, unknown>) as TagQuery)
      const start = options?.offset ?? 0
      const end = options?.limit === undefined ? undefined : start + options.limit
      return entries.slice(start, end).map((entry) => instanceOf(entry, recordClass))
    })
  }

  private remove(context: AgentContext, type: string, id: string): Promise<void> {
    return this.wallets.inUnit(context, async (unit) => {
      const stored = await unit.fetch(type, id)
      if (!stored) throw notFound(type, id)
      await unit.remove(type, id)
      const before = JSON.parse(stored.value) as RecordJson
      await this.observed(context, unit, this.observers.get(type), { before, tags: ownTags(stored.tags) })
    })
  }

  private async observed(
    context: AgentContext,
    unit: Unit,
    observer: RecordObserver | undefined,
    change: { before?: RecordJson; after?: RecordJson; tags: Tags },
  ): Promise<void> {
    if (!context.dependencyManager.isRegistered(WalletOwner)) await observer?.changedInBase?.({ unit, ...change })
    else await observer?.changed?.({ unit, owner: context.resolve(WalletOwner), ...change })
  }

  private tagsOf(record: T, json: RecordJson): Tags {
    const observer = this.observers.get(record.type)
    const tags = fromTagValues(record.getTags())
    for (const name of observer?.untagged ?? []) delete tags[name]
    return { ...tags, ...observer?.tags?.(json) }
  }
}

/**
 * DID records are read several times a message, and Credo does not change what it has read of them. Entries are never
 * changed, so an instance is good as long as its entry is.
 */
const SHARED = new Set(['DidRecord'])
const instances = new WeakMap<Entry, AnyRecord>()

function instanceOf<T extends AnyRecord>(entry: Entry, recordClass: BaseRecordConstructor<T>): T {
  const known = instances.get(entry)
  if (known) return known as T
  const instance = recordFrom(JSON.parse(entry.value), recordClass)
  instance.id = entry.name
  instance.replaceTags(toTagValues(ownTags(entry.tags)) as ReturnType<T['getTags']>)
  if (SHARED.has(entry.category)) instances.set(entry, instance)
  return instance
}

function notFound(recordType: string, id: string): RecordNotFoundError {
  return new RecordNotFoundError(`record with id ${id} not found.`, { recordType })
}

function sameBut(a: RecordJson, b: RecordJson, except: string): boolean {
  return JSON.stringify({ ...a, [except]: null }) === JSON.stringify({ ...b, [except]: null })
}

function sameTags(a: Tags, b: Tags): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
}
