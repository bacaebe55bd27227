import { defaultFieldResolver, type GraphQLSchema } from 'graphql'
import type { GraphContext, Viewer } from '../graphql/viewer.js'
import type { FairGate } from '../lib/fair-gate.js'

/** Has every query and mutation wait for its turn, by whatever transport it came: see {@link FairGate}. */
export function takeTurns(schema: GraphQLSchema, gate: FairGate): void {
  for (const root of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      const { resolve = defaultFieldResolver } = field
      field.resolve = (source, args, context: GraphContext, info) =>
        gate.use(turnKeyOf(context.viewer), () => resolve(source, args, context, info))
    }
  }
}

/** Tenants take turns with each other, with the operator, and with who has sent no credentials. */
export const turnKeyOf = (viewer: Viewer) => (viewer.role === 'TENANT' ? viewer.tenantId : viewer.role)
