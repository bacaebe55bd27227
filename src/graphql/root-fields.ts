import {
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
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
  const fragments = new Map(document.definitions.flatMap((part) => (isFragment(part) ? [[part.name.value, part]] : [])))
  const names = new Set<string>()
  const gather = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (!isIncluded(selection, variables ?? {})) continue
      if (selection.kind === Kind.INLINE_FRAGMENT) gather(selection.selectionSet)
      else if (selection.kind === Kind.FRAGMENT_SPREAD) spread(selection.name.value)
      else if (selection.name.value !== '__typename') names.add((selection.alias ?? selection.name).value)
    }
  }
  // Each once: fragments that spread others twice are as many ways as two to the power of their number.
  const spread = (name: string) => {
    const fragment = fragments.get(name)
    if (fragments.delete(name) && fragment) gather(fragment.selectionSet)
  }
  gather(operation.selectionSet)
  return names.size
}

const isFragment = (part: DefinitionNode): part is FragmentDefinitionNode => part.kind === Kind.FRAGMENT_DEFINITION

function isIncluded(node: { directives?: readonly DirectiveNode[] }, variables: Record<string, unknown>): boolean {
  try {
    if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false
    return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false
  } catch {
    // The execution refuses it.
    return true
  }
}
