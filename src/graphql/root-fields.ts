import {
  type DirectiveNode,
  type DocumentNode,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  getDirectiveValues,
  getOperationAST,
  Kind,
  type SelectionSetNode,
} from 'graphql'

/** How many root fields a mutation executes; 0 for any other operation. */
export function mutationsIn(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Record<string, unknown> | null | undefined,
): number {
  const operation = getOperationAST(document, operationName)
  if (operation?.operation !== 'mutation') return 0
  return rootFields(document, operation.selectionSet, variables ?? {}).size
}

/** The response names of the fields that a selection has, with those of its fragments. */
function rootFields(
  document: DocumentNode,
  { selections }: SelectionSetNode,
  variables: Record<string, unknown>,
  names = new Set<string>(),
): Set<string> {
  for (const selection of selections) {
    if (!isIncluded(selection, variables)) continue
    if (selection.kind === Kind.FIELD) {
      if (selection.name.value !== '__typename') names.add((selection.alias ?? selection.name).value)
      continue
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : document.definitions.find(
            (definition) =>
              definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
          )
    if (fragment && 'selectionSet' in fragment && fragment.selectionSet) {
      rootFields(document, fragment.selectionSet, variables, names)
    }
  }
  return names
}

function isIncluded(node: { directives?: readonly DirectiveNode[] }, variables: Record<string, unknown>): boolean {
  try {
    if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false
    return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false
  } catch {
    // The execution refuses it.
    return true
  }
}
