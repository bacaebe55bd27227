import {
  buildClientSchema,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  type IntrospectionQuery,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'
import type { ApiClient } from '../support/client.js'

export type OperationKind = 'query' | 'mutation' | 'subscription'

/** A field of Query, Mutation or Subscription, as the running gateway tells of it. */
export interface RootField {
  kind: OperationKind
  name: string
  field: GraphQLField<unknown, unknown>
}

export interface Operation {
  query: string
  variables: Record<string, unknown>
}

/** Gives the value of an argument or input field, by its path; undefined leaves the choice to the generator. */
export type Fill = (path: string, type: string) => unknown

/** The schema of a running gateway, so that whatever it serves is covered. */
export async function introspect(client: ApiClient): Promise<GraphQLSchema> {
  return buildClientSchema((await client.ask(getIntrospectionQuery())) as IntrospectionQuery)
}

export function rootFieldsOf(schema: GraphQLSchema): RootField[] {
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }
  return Object.entries(roots).flatMap(([kind, root]) =>
    Object.values(root?.getFields() ?? {}).map((field) => ({ kind: kind as OperationKind, name: field.name, field })),
  )
}

/** Paths of all arguments and input fields of type ID: `id`, `input.connectionId`, `tenantIds`. */
export function idPaths({ field }: RootField): string[] {
  const paths = (args: readonly (GraphQLArgument | GraphQLInputField)[], prefix: string): string[] =>
    args.flatMap(({ name, type }) => {
      const named = getNamedType(type)
      if (named.name === 'ID') return [prefix + name]
      return isInputObjectType(named) ? paths(Object.values(named.getFields()), `${prefix}${name}.`) : []
    })
  return paths(field.args, '')
}

/**
 * An operation of a root field with all that it requires, and what `fill` gives beyond that.
 * @param depth how deep the selection goes; 0 selects `__typename` alone
 */
export function operationOf({ kind, name, field }: RootField, fill: Fill, depth = 0): Operation {
  const variables: Record<string, unknown> = {}
  for (const arg of field.args) {
    const value = inputFor(arg, isRequiredArgument(arg), arg.name, fill)
    if (value !== undefined) variables[arg.name] = value
  }
  const given = field.args.filter((arg) => arg.name in variables)
  const declared = given.map((arg) => `$${arg.name}: ${arg.type}`).join(', ')
  const passed = given.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  const selection = selectionOf(field.type, depth)
  const query = `${kind} ${declared && `(${declared})`} { ${name}${passed && `(${passed})`} ${selection} }`
  return { query, variables }
}

function inputFor(input: GraphQLArgument | GraphQLInputField, required: boolean, path: string, fill: Fill): unknown {
  const type = getNullableType(input.type)
  const filled = fill(path, getNamedType(type).name)
  if (filled !== undefined) return isListType(type) && !Array.isArray(filled) ? [filled] : filled
  const named = getNamedType(type)
  if (isInputObjectType(named)) {
    const entries = Object.values(named.getFields()).flatMap((field) => {
      const value = inputFor(field, isRequiredInputField(field), `${path}.${field.name}`, fill)
      return value === undefined ? [] : [[field.name, value]]
    })
    if (!required && entries.length === 0) return undefined
    return isListType(type) ? [Object.fromEntries(entries)] : Object.fromEntries(entries)
  }
  return required ? plainValue(type) : undefined
}

function plainValue(type: GraphQLInputType): unknown {
  if (isListType(type)) return []
  if (isEnumType(type)) return type.getValues()[0]?.name
  const values: Record<string, unknown> = {
    ID: '00000000-0000-4000-8000-000000000000',
    String: 'some text',
    Int: 1,
    Float: 1,
    Boolean: false,
    JSON: {},
    URL: 'https://example.org/',
    DateTime: '2026-01-01T00:00:00Z',
  }
  return values[type.toString().replace('!', '')]
}

function selectionOf(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (!isCompositeType(named)) return ''
  if (depth === 0 || !(isObjectType(named) || isInterfaceType(named))) return '{ __typename }'
  const fields = Object.values(named.getFields()).filter(({ name, args }) => name !== 'edges' && args.length === 0)
  const selected = fields.map(({ name, type: inner }) => `${name} ${selectionOf(inner, depth - 1)}`)
  return `{ __typename ${selected.join(' ')} }`
}
