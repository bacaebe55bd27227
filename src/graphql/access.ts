import { type AuthCheckerInterface, Authorized, type ResolverData } from 'type-graphql'
import { forbidden, tenantSuspended, unauthenticated } from '../lib/errors.js'
import { type GraphContext, OPERATOR_SCOPES, type OperatorScope, type Scope, type Viewer } from './viewer.js'

/** Who may use a field. Every field of Query, Mutation and Subscription has one of these; a test sees to it. */
export type Rule = 'anyone' | { operator?: OperatorScope; tenant?: Scope }

/** The field is for everyone, with credentials or without. */
export const ForAnyone = () => Authorized<Rule>('anyone')
/** For operators whose key has the scope, or one that contains it. */
export const ForOperator = (scope: OperatorScope) => Authorized<Rule>({ operator: scope })
/** For tenants whose token has the scope. WRITE and MANAGE do not contain each other. */
export const ForTenant = (scope: Scope) => Authorized<Rule>({ tenant: scope })
export const ForOperatorOrTenant = (operator: OperatorScope, tenant: Scope) => Authorized<Rule>({ operator, tenant })

/** @throws UNAUTHENTICATED, FORBIDDEN, TENANT_SUSPENDED */
export class AccessChecker implements AuthCheckerInterface<GraphContext, Rule> {
  check({ context }: ResolverData<GraphContext>, [rule]: Rule[]): boolean {
    if (rule !== undefined) assertAllowed(context.viewer, rule)
    return true
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
  if (!rule.tenant) throw forbidden("This is the operator's.")
  if (viewer.suspended) throw tenantSuspended()
  if (!viewer.scopes.includes(rule.tenant)) throw forbidden(`The token lacks the scope ${rule.tenant}.`)
}

const ADMIN_OFF = 'This instance does not serve operators. Use one with ADMIN_API=on.'

/** The tenant that the request speaks for. @throws FORBIDDEN where it is none */
export function tenantIdOf({ viewer }: GraphContext): string {
  if (viewer.role !== 'TENANT') throw forbidden()
  return viewer.tenantId
}
