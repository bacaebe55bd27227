import type { DocumentNode } from 'graphql'
import { mutationsIn } from '../graphql/root-fields.js'
import type { GraphContext } from '../graphql/viewer.js'
import type { Rates } from '../tenants/rates.js'

/** Lets an operation go on, by whatever transport it came. @throws RATE_LIMITED */
export type Admission = (
  context: GraphContext,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Record<string, unknown> | null | undefined,
) => Promise<void>

/** Counts the operations of tenants; the operator's are not bounded. */
export function rateLimit(rates: Rates): Admission {
  return async ({ viewer }, document, operationName, variables) => {
    if (viewer.role !== 'TENANT') return
    await rates.takeOperation(viewer.tenantId, mutationsIn(document, operationName, variables))
  }
}
