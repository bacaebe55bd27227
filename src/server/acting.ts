import { defaultFieldResolver, type GraphQLField, type GraphQLSchema } from 'graphql'
import { actingFor } from '../audit/acting.js'
import type { Refusals } from '../audit/refusals.js'
import type { GraphContext } from '../graphql/viewer.js'
import { isGatewayError } from '../lib/errors.js'

/**
 * Has every operation do its work in the name of who asked for it, by whatever transport it came, and has the mutations
 * that are forbidden written down.
 */
export function actInTheNameOfViewers(schema: GraphQLSchema, refusals: Refusals): void {
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      const { resolve = defaultFieldResolver, subscribe } = field
      field.resolve = (source, args, context: GraphContext, info) =>
        actingFor(context, () => resolve(source, args, context, info))
      if (root === schema.getMutationType()) noteRefusals(field, refusals)
      if (!subscribe) continue
      field.subscribe = (source, args, context: GraphContext, info) =>
        actingFor(context, () => subscribe(source, args, context, info))
    }
  }
}

function noteRefusals(field: GraphQLField<unknown, GraphContext>, refusals: Refusals): void {
  const { resolve = defaultFieldResolver } = field
  field.resolve = async (source, args, context, info) => {
    try {
      return await resolve(source, args, context, info)
    } catch (error) {
      if (isGatewayError(error, 'FORBIDDEN') && context.viewer.role !== 'ANONYMOUS') {
        const details = { operation: info.fieldName, code: error.code }
        refusals.note(context, { action: 'OPERATION_REFUSED', tenantId: tenantOf(context, args), details })
      }
      throw error
    }
  }
}

/** Whom it was about. What a client wrote gets into the log only where it has the form of an id. */
function tenantOf({ viewer }: GraphContext, args: Record<string, unknown>): string | null {
  if (viewer.role === 'TENANT') return viewer.tenantId
  const named = args['tenantId'] ?? (args['input'] as { tenantId?: unknown } | undefined)?.tenantId
  return typeof named === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(named) ? named : null
}
