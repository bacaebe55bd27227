import type { Viewer } from '../graphql/viewer.js'
import { forbidden } from '../lib/errors.js'
import type { TokenScope } from './tenant.js'

/** Whether a caller may give a token these scopes: a tenant at most its own. @throws FORBIDDEN */
export function assertGives(viewer: Viewer, scopes: readonly TokenScope[]): void {
  const excess = viewer.role === 'TENANT' && scopes.find((scope) => !viewer.scopes.includes(scope))
  if (excess) throw forbidden(`This token lacks the scope ${excess}, so it cannot give it.`)
}
