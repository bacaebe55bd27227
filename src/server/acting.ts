import { defaultFieldResolver, type GraphQLSchema } from 'graphql'
import { actingFor } from '../audit/acting.js'
import type { GraphContext } from '../graphql/viewer.js'

/** Has every operation do its work in the name of who asked for it, by whatever transport it came. */
export function actInTheNameOfViewers(schema: GraphQLSchema): void {
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      const { resolve = defaultFieldResolver, subscribe } = field
      field.resolve = (source, args, context: GraphContext, info) =>
        actingFor(context, () => resolve(source, args, context, info))
      if (!subscribe) continue
      field.subscribe = (source, args, context: GraphContext, info) =>
        actingFor(context, () => subscribe(source, args, context, info))
    }
  }
}
