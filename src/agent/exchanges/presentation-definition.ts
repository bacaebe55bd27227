import type { AnonCredsProofRequest, AnonCredsProofRequestRestriction } from '@credo-ts/anoncreds'
import { z } from 'zod'

/** What a value must be. Patterns are not among it: whoever writes one can have it take for ever. */
const scalar = z.union([z.string().max(2000), z.number()])
const filter = z.strictObject({
  type: z.enum(['string', 'number', 'integer']).optional(),
  const: scalar.optional(),
  enum: z.array(scalar).min(1).max(100).optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
})
type Filter = z.output<typeof filter>

/** One of the types of a credential. */
const containing = z.strictObject({
  type: z.literal('array').optional(),
  contains: z.strictObject({ type: z.literal('string').optional(), const: z.string().max(2000) }),
})

/** A predicate of AnonCreds: bounds only, of 32 bits. */
const int32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)
const bounds = z
  .strictObject({
    type: z.enum(['number', 'integer']).optional(),
    minimum: int32.optional(),
    exclusiveMinimum: int32.optional(),
    maximum: int32.optional(),
    exclusiveMaximum: int32.optional(),
  })
  .refine((given) => Object.keys(given).some((key) => key in BOUNDS))

const BOUNDS = { minimum: '>=', exclusiveMinimum: '>', maximum: '<=', exclusiveMaximum: '<' } as const
type Bound = keyof typeof BOUNDS

const said = {
  id: z.string().max(255).optional(),
  name: z.string().max(1000).optional(),
  purpose: z.string().optional(),
}
const field = z.strictObject({
  ...said,
  path: z.array(z.string().max(300)).min(1).max(10),
  filter: z.record(z.string(), z.unknown()).optional(),
  predicate: z.enum(['required', 'preferred']).optional(),
  optional: z.literal(false).optional(),
  intent_to_retain: z.boolean().optional(),
})
const descriptor = z.strictObject({
  ...said,
  id: z.string().min(1).max(255),
  group: z.array(z.string()).optional(),
  format: z.record(z.string(), z.unknown()).optional(),
  constraints: z.strictObject({
    fields: z.array(field).min(1).max(100),
    limit_disclosure: z.enum(['required', 'preferred']).optional(),
    statuses: z
      .strictObject({
        active: z.strictObject({ directive: z.enum(['required', 'allowed']), type: z.array(z.string()).optional() }),
      })
      .optional(),
  }),
})
const schema = z.strictObject({
  ...said,
  id: z.string().min(1).max(255),
  format: z.record(z.string(), z.unknown()).optional(),
  input_descriptors: z.array(descriptor).min(1).max(20),
})

/** A credential that is asked for. */
export interface Descriptor {
  id: string
  /** What it is secured as: by AnonCreds, in the W3C form, or as a JWT. */
  kind: 'ANONCREDS' | 'JWT'
  /** Attributes whose values are to be told, with what they must be. */
  attributes: { name: string; filter?: Filter | undefined }[]
  /** What is to be proved of attributes without telling them. */
  predicates: { name: string; type: (typeof BOUNDS)[Bound]; value: number }[]
  issuers?: string[] | undefined
  definitions?: string[] | undefined
  /** Of a JWT: types that it must have, of each list one. */
  types?: string[][] | undefined
  /** Whether it must not be revoked. */
  active: boolean
}

/** A presentation definition that cannot be answered, or asked. */
export class DefinitionError extends Error {}

/**
 * Reads a presentation definition (DIF Presentation Exchange 2) as far as it can be answered: attributes by
 * `$.credentialSubject.<name>`, who has issued it by `$.issuer`, what with by `$.proof.verificationMethod`. All else that a
 * presentation says of a credential of AnonCreds, as its type or when it was issued, nobody has signed. Of a JWT its
 * `$.type` can be asked for, but no predicate, and not whether it is revoked.
 * @throws DefinitionError with what is not understood, which repeats nothing of it
 */
export function readDefinition(definition: unknown): Descriptor[] {
  const { success, data, error } = schema.safeParse(definition)
  if (!success) {
    const path = (error.issues[0]?.path ?? []).filter((part) => typeof part === 'number' || part in KNOWN).join('.')
    throw new DefinitionError(path || 'the definition itself')
  }
  const kind = kindOf(data.format) ?? 'ANONCREDS'
  const descriptors = data.input_descriptors.map((one, index) => readDescriptor(one, index, kind))
  // One presentation answers all of them.
  if (new Set(descriptors.map((one) => one.kind)).size > 1) throw new DefinitionError('its formats')
  if (new Set(descriptors.map(({ id }) => id)).size < descriptors.length) throw new DefinitionError('an id, twice')
  return descriptors
}

/** The parts that may be named in an error: the rest is the writer's text. */
const KNOWN: Record<string, true> = Object.fromEntries(
  ['input_descriptors', 'constraints', 'fields', 'path', 'filter', 'predicate', 'statuses', 'optional', 'id'].map(
    (name) => [name, true],
  ),
)

function readDescriptor(
  { id, format, constraints }: z.output<typeof descriptor>,
  index: number,
  kindOfAll: Descriptor['kind'],
): Descriptor {
  const place = `input_descriptors.${index}`
  const kind = kindOf(format) ?? kindOfAll
  const isJwt = kind === 'JWT'
  const read: Descriptor = { id, kind, attributes: [], predicates: [], active: constraints.statuses !== undefined }
  if (isJwt && read.active) throw new DefinitionError(`${place}.constraints.statuses`)
  for (const [at, { path, filter: given, predicate }] of constraints.fields.entries()) {
    const where = `${place}.constraints.fields.${at}`
    const name = nameIn(path)
    if (name === undefined) {
      const values = oneOf(given)
      if (!values || predicate) throw new DefinitionError(where)
      if (isJwt && path.every((one) => TYPE.has(one))) read.types = [...(read.types ?? []), values]
      else if (path.every((one) => ISSUER.has(one))) read.issuers = common(read.issuers, values)
      else if (!isJwt && path.every((one) => DEFINITION.has(one))) read.definitions = common(read.definitions, values)
      else throw new DefinitionError(`${where}.path`)
    } else if (predicate) {
      if (isJwt) throw new DefinitionError(`${where}.predicate`)
      const { success, data } = bounds.safeParse(given)
      if (!success) throw new DefinitionError(`${where}.filter`)
      for (const [key, type] of Object.entries(BOUNDS)) {
        const value = data[key as Bound]
        if (value !== undefined) read.predicates.push({ name, type, value })
      }
    } else {
      const { success, data } = filter.optional().safeParse(given)
      if (!success) throw new DefinitionError(`${where}.filter`)
      if (read.attributes.some((other) => other.name === name)) throw new DefinitionError(`${where}.path`)
      read.attributes.push({ name, filter: data })
    }
  }
  const { issuers, definitions } = read
  const choices = (issuers?.length ?? 1) * (definitions?.length ?? 1)
  if (choices === 0 || choices > 100) throw new DefinitionError(`${place}.constraints.fields`)
  if (read.attributes.length + read.predicates.length === 0) throw new DefinitionError(`${place}.constraints.fields`)
  return read
}

const ISSUER = new Set(['$.issuer', '$.issuer.id', '$.vc.issuer', '$.iss'])
const TYPE = new Set(['$.type', '$.vc.type'])
/** The proof of a credential is in a list, that of a presentation is not. */
const DEFINITION = new Set(['$.proof.verificationMethod', '$.proof[0].verificationMethod'])
const ATTRIBUTE = /^\$\.(?:vc\.)?credentialSubject\.([A-Za-z0-9_]{1,255})$/

/** The attribute that all of the paths lead to. */
function nameIn(paths: readonly string[]): string | undefined {
  const names = new Set(paths.map((path) => ATTRIBUTE.exec(path)?.[1]))
  return names.size === 1 ? [...names][0] : undefined
}

/** The texts of which one must be it. */
function oneOf(given: unknown): string[] | undefined {
  const within = containing.safeParse(given)
  if (within.success) return [within.data.contains.const]
  const { success, data } = filter.safeParse(given)
  if (!success) return undefined
  const values = data.const !== undefined ? [data.const] : data.enum
  return values?.every((value) => typeof value === 'string') ? (values as string[]) : undefined
}

const common = (some: string[] | undefined, others: string[]) =>
  some ? others.filter((one) => some.includes(one)) : others

function kindOf(format: Record<string, unknown> | undefined): Descriptor['kind'] | undefined {
  if (!format) return undefined
  if ('di_vc' in format || 'ldp_vc' in format) return 'ANONCREDS'
  if ('jwt_vc' in format) return 'JWT'
  throw new DefinitionError('its format')
}

/** Whether a value that is told is as it must be. AnonCreds knows text; where it is a number, it counts as one. */
export function passes(value: string, { type, const: only, enum: some, ...limits }: Filter = {}): boolean {
  const number = /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : undefined
  if (type !== undefined && type !== 'string' && number === undefined) return false
  if (only !== undefined && String(only) !== value) return false
  if (some !== undefined && !some.some((one) => String(one) === value)) return false
  return Object.entries(limits).every(([key, limit]) => {
    if (limit === undefined) return true
    if (number === undefined) return false
    if (key === 'minimum') return number >= limit
    if (key === 'maximum') return number <= limit
    return key === 'exclusiveMinimum' ? number > limit : number < limit
  })
}

/** Which credentials may answer a descriptor, as AnonCreds says it. */
export function restrictionsOf({ issuers, definitions }: Descriptor): AnonCredsProofRequestRestriction[] {
  if (!issuers && !definitions) return []
  const some = (issuers ?? [undefined]).flatMap((issuer) => (definitions ?? [undefined]).map((id) => ({ issuer, id })))
  return some.map(({ issuer, id }) => ({ ...(issuer && { issuer_id: issuer }), ...(id && { cred_def_id: id }) }))
}

/** Referents of a descriptor in the request below. */
export const told = (index: number) => `${index}`
export const proved = (index: number, predicate: number) => `${index}.${predicate}`

/**
 * The request of AnonCreds that asks for the same.
 * @param nonce what the proof is bound to
 * @param at seconds since the epoch: when what must be active must not be revoked; for each descriptor
 * @param restrictionsOf which credentials may answer a descriptor
 */
export function requestOf(
  descriptors: readonly Descriptor[],
  nonce: string,
  at: (index: number) => number,
  restrictions: (descriptor: Descriptor, index: number) => AnonCredsProofRequestRestriction[] = restrictionsOf,
): AnonCredsProofRequest {
  const request: AnonCredsProofRequest = {
    ...{ name: 'Presentation', version: '1.0', nonce },
    requested_attributes: {},
    requested_predicates: {},
  }
  for (const [index, descriptor] of descriptors.entries()) {
    const { attributes, predicates, active } = descriptor
    const some = restrictions(descriptor, index)
    const common = {
      ...(some.length > 0 && { restrictions: some }),
      ...(active && { non_revoked: { from: at(index), to: at(index) } }),
    }
    if (attributes.length > 0) {
      request.requested_attributes[told(index)] = { names: attributes.map(({ name }) => name), ...common }
    }
    for (const [which, { name, type, value }] of predicates.entries()) {
      request.requested_predicates[proved(index, which)] = { name, p_type: type, p_value: value, ...common }
    }
  }
  return request
}
