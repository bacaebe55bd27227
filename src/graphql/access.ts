import { type AuthCheckerInterface, Authorized, type ResolverData } from 'type-graphql'
import type { Feature } from '../agent/features.js'
import { forbidden, tenantSuspended, unauthenticated } from '../lib/errors.js'
import { type GraphContext, OPERATOR_SCOPES, type OperatorScope, type Scope, type Viewer } from './viewer.js'

/** Who may use a field. Every field of Query, Mutation and Subscription has one of these; a test sees to it. */
export type Rule = 'anyone' | { operator?: OperatorScope; tenant?: Scope; wallet?: boolean; feature?: Feature }

/** The field is for everyone, with credentials or without. */
export const ForAnyone = () => Authorized<Rule>('anyone')
/** For operators whose key has the scope, or one that contains it. */
export const ForOperator = (scope: OperatorScope) => Authorized<Rule>({ operator: scope })
/**
 * For tenants whose token has the scope, on their wallets; refused to those for whom the feature is switched off. WRITE
 * and MANAGE do not contain each other.
 */
export const ForTenant = (scope: Scope, feature?: Feature) => Authorized<Rule>({ tenant: scope, wallet: true, feature })
/** For tenants whose token has the scope, whether their wallets are locked or not. */
export const ForTenantItself = (scope: Scope) => Authorized<Rule>({ tenant: scope })
export const ForOperatorOrTenant = (operator: OperatorScope, tenant: Scope, feature?: Feature) =>
  Authorized<Rule>({ operator, tenant, feature })
/** For operators, and for tenants on their wallets. */
export const ForOperatorOrWallet = (operator: OperatorScope, tenant: Scope, feature?: Feature) =>
  Authorized<Rule>({ operator, tenant, wallet: true, feature })

/** Lets a tenant's request in to what it needs. @throws FORBIDDEN where the feature is off, TENANT_LOCKED */
export type Admit = (
  viewer: Extract<Viewer, { role: 'TENANT' }>,
  needs: { wallet?: boolean; feature?: Feature },
) => Promise<void>

/** @throws UNAUTHENTICATED, FORBIDDEN, TENANT_SUSPENDED, TENANT_LOCKED */
export class AccessChecker implements AuthCheckerInterface<GraphContext, Rule> {
  constructor(private readonly admit: Admit) {}

  check({ context: { viewer } }: ResolverData<GraphContext>, [rule]: Rule[]): boolean | Promise<boolean> {
    if (rule === undefined || rule === 'anyone') return true
    assertAllowed(viewer, rule)
    if (viewer.role !== 'TENANT' || !(rule.wallet || rule.feature)) return true
    return this.admit(viewer, rule).then(() => true)
  }
}

export function assertAllowed(viewer: Viewer, rule: Rule): void {
  if (rule === 'anyone') return
  if (viewer.role === 'ANONYMOUS') throw viewer.operatorKey && rule.operator ? forbidden(ADMIN_OFF) : unauthenticated()
  if (viewer.role === 'OPERATOR') {
    const { operator } = rule
    if (!operator) throw forbidden("This is a tenant's. Use a token of the tenant.")
    const wide = OPERATOR_SCOPES.slice(OPERATOR_SCOPES.indexOf(operator))
    if (!viewer.operatorKey.scopes.some((scope) => wide.includes(scope)))
      throw forbidden(`This key lacks the scope ${operator}.`)
    return
  }
  if (!rule.tenant) throw forbidden("This is the operator's. Use an operator key.")
  if (viewer.suspended) throw tenantSuspended()
  if (!viewer.scopes.includes(rule.tenant)) throw forbidden(`The token lacks the scope ${rule.tenant}.`)
}

const ADMIN_OFF = 'This instance does not serve operators. Use one with ADMIN_API=on.'

/** The tenant that the request speaks for. @throws FORBIDDEN where it is none */
export function tenantIdOf({ viewer }: GraphContext): string {
  if (viewer.role !== 'TENANT') throw forbidden()
  return viewer.tenantId
}
