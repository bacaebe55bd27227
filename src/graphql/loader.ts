import DataLoader from 'dataloader'
import type { GraphContext } from './viewer.js'

const loaders = new WeakMap<GraphContext, Map<object, DataLoader<string, unknown>>>()

/**
 * The loader of a request for what `owner` reads: all that is asked for in one step of the execution is read by one
 * call of `batch`, and nothing twice. It goes with the request, so no other caller sees what it holds.
 */
export function loaderOf<T>(
  context: GraphContext,
  owner: object,
  batch: (ids: readonly string[]) => Promise<(T | undefined)[]>,
): DataLoader<string, T | undefined> {
  const ofRequest = loaders.get(context) ?? new Map<object, DataLoader<string, unknown>>()
  loaders.set(context, ofRequest)
  let loader = ofRequest.get(owner)
  if (!loader) {
    loader = new DataLoader<string, unknown>((ids) => batch(ids))
    ofRequest.set(owner, loader)
  }
  return loader as DataLoader<string, T | undefined>
}
