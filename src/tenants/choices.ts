import { z } from 'zod'
import { badInput } from '../lib/errors.js'

/** Named values that may each be left to their default: a tenant's settings, or its policy. */
export type ChoiceSchema = z.ZodObject<Record<string, z.ZodType>, z.core.$strict>

/** What was chosen; what was not has its default. */
export type Chosen = Record<string, unknown>

/**
 * What stands after changes by key: a null key goes back to its default.
 * @throws BAD_USER_INPUT with the key at fault; what was given is not repeated
 */
export function mergeChoices(schema: ChoiceSchema, chosen: Chosen, changes: unknown, field: string): Chosen {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    throw badInput(`${field} must be an object of keys and values.`, field)
  }
  const merged = { ...chosen }
  for (const [key, value] of Object.entries(changes)) {
    const shape = Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined
    if (!shape) throw badInput(`${field} has a key that is not known. Known are ${known(schema)}.`, field)
    if (value === null) delete merged[key]
    else if (shape.safeParse(value).success) merged[key] = value
    else throw badInput(`${field}.${key} does not fit: ${meaningOf(shape)}`, `${field}.${key}`)
  }
  return merged
}

/**
 * Every key with its value: what was chosen, else what is given as its default, else the schema's own. What a version
 * that knew other values has stored counts as not chosen.
 */
export function withDefaults<S extends ChoiceSchema>(schema: S, chosen: Chosen, defaults: Chosen = {}): z.output<S> {
  const entries = Object.entries(schema.shape).map(([key, shape]) => {
    const values = [chosen[key], defaults[key]].filter((value) => value !== undefined)
    const fitting = values.map((value) => shape.safeParse(value)).find(({ success }) => success)
    return [key, fitting ? fitting.data : shape.parse(undefined)]
  })
  return Object.fromEntries(entries) as z.output<S>
}

/** A list of all keys, for the description of a field. */
export function describeChoices(schema: ChoiceSchema): string {
  return Object.entries(schema.shape)
    .map(([key, shape]) => `- \`${key}\`: ${meaningOf(shape)} Default: ${defaultOf(shape)}.`)
    .join('\n')
}

const known = (schema: ChoiceSchema) => Object.keys(schema.shape).join(', ')
const meaningOf = (shape: z.ZodType) => shape.description ?? ''

function defaultOf(shape: z.ZodType): string {
  const value = shape.parse(undefined)
  return value === null ? 'none' : `\`${JSON.stringify(value)}\``
}
