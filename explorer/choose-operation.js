import { Kind, parse, separateOperations } from 'graphql'

/**
 * Leaves in a request only the operation to run and the fragments that it uses, so that the others are neither validated
 * nor counted against the gateway's limits. What is left out becomes blanks: lines and columns in errors stay right.
 *
 * @param params GraphiQL's `{query, operationName, variables}`
 * @returns {{params: object, type?: 'query' | 'mutation' | 'subscription'}} unchanged and without a type where the
 *   document has a syntax error or no such operation: the gateway says best what is wrong
 */
export function chooseOperation(params) {
  const document = tryParse(params.query)
  const operation = document && findOperation(document, params.operationName)
  if (!operation) return { params }
  const operationName = operation.name?.value
  const kept = separateOperations(document)[operationName ?? ''].definitions
  const query = document.definitions
    .filter((definition) => !kept.includes(definition))
    .reduce((text, { loc }) => blank(text, loc.start, loc.end), params.query)
  return { params: { ...params, query, operationName }, type: operation.operation }
}

function tryParse(query) {
  try {
    return parse(query)
  } catch {
    return undefined
  }
}

/**
 * The only operation there is, whatever the name: right after another tab was opened, GraphiQL still gives the name of
 * the one before.
 */
function findOperation(document, name) {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  return operations.length === 1 ? operations[0] : operations.find((operation) => operation.name?.value === name)
}

function blank(text, start, end) {
  return text.slice(0, start) + text.slice(start, end).replace(/[^\r\n]/g, ' ') + text.slice(end)
}
