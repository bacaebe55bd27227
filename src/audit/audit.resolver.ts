import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql'
import { ForOperatorOrTenant } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { AUDIT_LIST } from './audit.js'
import { AuditFilter, AuditPage } from './audit.type.js'
import { AUDIT_READERS, entryFor, queryFor } from './audit.view.js'
import { type AuditLog, auditEntryOf } from './audit-log.js'

@Resolver()
export class AuditResolver {
  constructor(private readonly log: AuditLog) {}

  @ForOperatorOrTenant(AUDIT_READERS.operator, AUDIT_READERS.tenant)
  @Query(() => AuditPage, {
    description:
      '(operator; a tenant with MANAGE: what is about itself) Who did what to which tenant, when, from where, oldest first. Kept for AUDIT_RETENTION, also of tenants that are deleted.',
  })
  auditLog(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { viewer }: GraphContext,
    @Arg('filter', () => AuditFilter, { nullable: true, description: 'Which of it.' }) filter?: AuditFilter,
  ) {
    const query = queryFor(viewer, filter ?? {})
    return listPage(
      args,
      AUDIT_LIST,
      async (stretch) => (query ? this.log.list(query, stretch) : []),
      ({ entry }) => entryFor(viewer, auditEntryOf(entry)),
    )
  }
}
