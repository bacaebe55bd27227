import type { AgentContext } from '@credo-ts/core'
import {
  DidCommMediationRecipientService,
  type DidCommMediationRecord,
  DidCommMediationRepository,
  DidCommMediationRole,
  DidCommMediationState,
} from '@credo-ts/didcomm'

/** Set on a mediation record that is to be the default once it is granted. */
const CHOICE = 'tenantry/mediation'

export function wantDefault(grant: DidCommMediationRecord): void {
  grant.metadata.set(CHOICE, { becomesDefault: true })
}

export const wantsDefault = (grant: DidCommMediationRecord) =>
  grant.metadata.get<{ becomesDefault: boolean }>(CHOICE)?.becomesDefault === true

export function makeDefault(context: AgentContext, grant: DidCommMediationRecord): Promise<void> {
  return context.resolve(DidCommMediationRecipientService).setDefaultMediator(context, grant)
}

export function clearDefault(context: AgentContext): Promise<void> {
  return context.resolve(DidCommMediationRecipientService).clearDefaultMediator(context)
}

/** The wallet's default mediator, as a unit sees it. */
export async function defaultIn(context: AgentContext): Promise<DidCommMediationRecord | undefined> {
  const found = await context.resolve(DidCommMediationRepository).findByQuery(context, {
    default: true,
    role: DidCommMediationRole.Recipient,
    state: DidCommMediationState.Granted,
  })
  return found[0]
}
