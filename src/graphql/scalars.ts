import { GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { GraphQLJSON } from 'graphql-scalars'
import { badInput } from '../lib/errors.js'
import { isWebUrl } from '../lib/text.js'

/** Checked at the way in only: what comes out was made here, and stays as it was given. */
function textScalar(name: string, description: string, specifiedByURL: string, isValid: (text: string) => boolean) {
  const parse = (value: unknown) => {
    if (typeof value === 'string' && isValid(value)) return value
    throw badInput(`This is not a ${name}.`)
  }
  return new GraphQLScalarType<string, string>({
    name,
    description,
    specifiedByURL,
    serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
    parseValue: parse,
    parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
  })
}

export const DateTimeScalar = textScalar(
  'DateTime',
  'A time in UTC as in RFC 3339, such as `2026-01-31T12:00:00.000Z`.',
  'https://scalars.graphql.org/andimarek/date-time',
  (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
)

export const UrlScalar = textScalar(
  'URL',
  'An absolute http or https URL as in RFC 3986.',
  'https://www.rfc-editor.org/rfc/rfc3986',
  isWebUrl,
)

const json = GraphQLJSON.toConfig()

export const JsonScalar = new GraphQLScalarType({
  ...json,
  parseLiteral(node, variables) {
    assertNoNames(node)
    return json.parseLiteral(node, variables)
  },
  name: 'JSON',
  description: 'Any JSON value.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
})

/** A name without quotes would be left out without a word. */
function assertNoNames(node: ValueNode): void {
  if (node.kind === Kind.ENUM) throw badInput(`In JSON text stands in quotes: "${node.value}".`)
  if (node.kind === Kind.LIST) node.values.forEach(assertNoNames)
  if (node.kind === Kind.OBJECT) for (const { value } of node.fields) assertNoNames(value)
}
