import type { Viewer } from '../graphql/viewer.js'
import type { Tokens } from './tokens.js'

/** Opens the wallet key that the token of a request carries; undefined where it carries none. */
export function ownKeyOf(viewer: Viewer, tokens: Tokens): () => Promise<string | undefined> {
  return async () => {
    if (viewer.role !== 'TENANT' || viewer.sealedKey === undefined || viewer.tokenId === null) return undefined
    return tokens.openKey(viewer.tokenId, viewer.sealedKey)
  }
}
