import type { GraphContext } from '../graphql/viewer.js'
import { BASE_PROFILE } from '../storage/store.js'

/** The wallet that a request is about: the tenant's own, or the base wallet for an operator. */
export const walletOf = ({ viewer }: GraphContext): string =>
  viewer.role === 'TENANT' ? viewer.tenantId : BASE_PROFILE
