import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getIntrospectionQuery,
  getNamedType,
  getOperationAST,
  getVariableValues,
  Kind,
  parse,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql'
import { queryTooComplex } from '../lib/errors.js'

/** What begins an introspection; whatever names neither in its text does not introspect. */
const ROOTS: Record<string, GraphQLField<unknown, unknown>> = {
  [SchemaMetaFieldDef.name]: SchemaMetaFieldDef,
  [TypeMetaFieldDef.name]: TypeMetaFieldDef,
}
const IN_TEXT = /__(schema|type)\b/

/** How often as much as tools ask for one operation may ask for: tools do so once. */
const TIMES = 2
const wholes = new WeakMap<GraphQLSchema, number>()

/** Holds what an operation asks of the schema to what tools ask for: an answer of lists in lists grows with their product. */
export function assertIntrospection(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Record<string, unknown>,
  operationName: string | undefined,
): void {
  if (document.loc && !IN_TEXT.test(document.loc.source.body)) return
  const whole = wholes.get(schema) ?? sizeOf(schema, parse(WHOLE))
  wholes.set(schema, whole)
  sizeOf(schema, document, variables, operationName, whole * TIMES)
}

/** All that graphql-js can ask for; GraphiQL and Apollo's explorers ask for at most this. */
const WHOLE = getIntrospectionQuery({
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
})

/** @throws QUERY_TOO_COMPLEX as soon as it is more than `most` */
function sizeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Record<string, unknown> = {},
  operationName?: string,
  most = Number.POSITIVE_INFINITY,
): number {
  const operation = getOperationAST(document, operationName)
  const root = schema.getQueryType()
  if (operation?.operation !== 'query' || !root) return 0
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  // Variables that do not fit are refused by the execution.
  if (!coerced) return 0
  const walk = new Walk(schema, document, coerced, most)
  walk.select(operation.selectionSet, root, undefined)
  return walk.selections
}

/** Goes through what is selected of the schema as the execution would, and counts it. */
class Walk {
  selections = 0
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>

  constructor(
    private readonly schema: GraphQLSchema,
    { definitions }: DocumentNode,
    private readonly variables: Record<string, unknown>,
    private readonly most: number,
  ) {
    this.fragments = new Map(
      definitions.flatMap((part) => (part.kind === Kind.FRAGMENT_DEFINITION ? [[part.name.value, part]] : [])),
    )
  }

  /** `spread`: the fragments that are in this selection already, as each is in it once. */
  select({ selections }: SelectionSetNode, type: GraphQLObjectType, value: unknown, spread = new Set<string>()): void {
    for (const selection of selections) {
      this.selections += 1
      if (this.selections > this.most)
        throw queryTooComplex('The query asks for more of the schema than tools do. Ask for less at once.')
      if (selection.kind === Kind.FIELD) this.enter(selection, type, value)
      else if (selection.kind === Kind.INLINE_FRAGMENT) this.select(selection.selectionSet, type, value, spread)
      else {
        const fragment = this.fragments.get(selection.name.value)
        if (!fragment || spread.has(selection.name.value)) continue
        spread.add(selection.name.value)
        this.select(fragment.selectionSet, type, value, spread)
      }
    }
  }

  private enter(node: FieldNode, parent: GraphQLObjectType, value: unknown): void {
    const name = node.name.value
    const field = parent === this.schema.getQueryType() ? ROOTS[name] : parent.getFields()[name]
    const type = field && getNamedType(field.type)
    if (!node.selectionSet || !(type instanceof GraphQLObjectType)) return
    const args = getArgumentValues(field as GraphQLField<unknown, unknown>, node, this.variables)
    const found = field?.resolve?.(value, args, undefined, { schema: this.schema } as GraphQLResolveInfo)
    for (const one of Array.isArray(found) ? found : [found]) {
      if (one != null) this.select(node.selectionSet, type, one)
    }
  }
}
