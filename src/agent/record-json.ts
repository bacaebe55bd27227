import { type BaseRecord, type BaseRecordConstructor, JsonTransformer } from '@credo-ts/core'
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js'
import { getMetadataStorage } from 'class-validator'
import type { RecordJson } from './ports.js'

// biome-ignore lint/suspicious/noExplicitAny: Credo's own bound of "any record"
export type AnyRecord = BaseRecord<any, any, any>

/** What the decorators of a record's class say. */
interface Shape {
  /** Properties that a decorator says something of, what they are transformed by among them. */
  decorated: Set<string>
  /** Whether a decorator says something of the class as a whole, or gives a property another name. */
  isDecorated: boolean
  isValidated: boolean
}

const shapes = new WeakMap<object, Shape>()

/**
 * A record as its text, parsed, says, as `JsonTransformer.fromJSON` makes it, which copies the whole of what was parsed
 * for it alone, property by property. What no decorator says anything of is taken as it is.
 */
export function recordFrom<T extends AnyRecord>(
  json: Record<string, unknown>,
  recordClass: BaseRecordConstructor<T>,
): T {
  const { decorated, isDecorated, isValidated } = shapeOf(recordClass)
  if (isDecorated || isValidated) return JsonTransformer.fromJSON(json, recordClass)
  const special: Record<string, unknown> = {}
  for (const name of decorated) if (Object.hasOwn(json, name)) special[name] = json[name]
  const transformed = JsonTransformer.fromJSON(special, recordClass, { validate: false })
  // In the order of the text: whether a record has changed is seen by its text.
  const record = new recordClass()
  for (const [name, value] of Object.entries(json)) {
    if (decorated.has(name)) record[name as keyof T] = transformed[name as keyof T]
    else if (isAssigned(record, name)) record[name as keyof T] = value as T[keyof T]
  }
  return record
}

/** A record as JSON, as `JsonTransformer.toJSON` makes it; nothing of it is shared with the record. */
export function jsonOf(record: AnyRecord): RecordJson {
  const { decorated, isDecorated } = shapeOf(record.constructor)
  if (isDecorated) return JsonTransformer.toJSON(record) as RecordJson
  const special = Object.create(Object.getPrototypeOf(record))
  const json: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(record)) {
    if (decorated.has(name)) {
      special[name] = value
      // It keeps its place.
      json[name] = undefined
    } else if (isPlain(value)) json[name] = copied(value)
    else return JsonTransformer.toJSON(record) as RecordJson
  }
  return Object.assign(json, JsonTransformer.toJSON(special)) as RecordJson
}

function shapeOf(recordClass: object): Shape {
  const known = shapes.get(recordClass)
  if (known) return known
  const { _typeMetadatas, _transformMetadatas, _exposeMetadatas, _excludeMetadatas } = defaultMetadataStorage
  const ancestors = classesOf(recordClass)
  const decorators = [_typeMetadatas, _transformMetadatas, _exposeMetadatas, _excludeMetadatas].flatMap((all) =>
    ancestors.flatMap((ancestor) => [...(all.get(ancestor)?.entries() ?? [])]),
  )
  const names = decorators.map(([name]) => name)
  const renames = decorators.some(([, decorator]) => !Array.isArray(decorator) && decorator.options?.name !== undefined)
  const rules = getMetadataStorage().getTargetValidationMetadatas(recordClass as never, '', false, false)
  const shape = {
    decorated: new Set(names.filter((name) => name !== undefined)),
    isDecorated: renames || names.includes(undefined),
    isValidated: rules.length > 0,
  }
  shapes.set(recordClass, shape)
  return shape
}

/** A class and those that it extends. */
function classesOf(recordClass: object): object[] {
  const classes: object[] = []
  for (let one = recordClass; one !== Function.prototype; one = Object.getPrototypeOf(one)) classes.push(one)
  return classes
}

/** Whether a property is taken from JSON: no method is, nor what a class only computes. */
function isAssigned(record: object, name: string): boolean {
  if (name === '__proto__' || typeof record[name as keyof object] === 'function') return false
  const descriptor = Object.getOwnPropertyDescriptor(record.constructor.prototype, name)
  return descriptor === undefined || descriptor.set !== undefined
}

/** Whether a value is made of nothing but what JSON has. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'function') return false
  if (value === null || typeof value !== 'object') return true
  if (Array.isArray(value)) return value.every(isPlain)
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain)
}

function copied(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(copied)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copied(one)]))
}
