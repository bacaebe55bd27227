import type { AgentContext } from '@credo-ts/core'
import {
  DidCommMediationRecipientService,
  type DidCommMediationRecord,
  DidCommMediationRepository,
  DidCommMediationRole,
  DidCommMediationState,
} from '@credo-ts/didcomm'
import type { RecordJson } from '../agent/ports.js'

/** What a mediation record has of ours. */
const CHOICE = 'tenantry/mediation'
interface Choice {
  /** It is to be the default once it is granted. */
  becomesDefault?: boolean
  /** The mediator was told no endpoint: what it holds is fetched. */
  isFetched?: boolean
}

export const choose = (grant: DidCommMediationRecord, choice: Choice): void => grant.metadata.set(CHOICE, { ...choice })

export const wantsDefault = (grant: DidCommMediationRecord) =>
  grant.metadata.get<Choice>(CHOICE)?.becomesDefault === true

/** Whether what a mediator holds is fetched from it, by its stored mediation record. */
export const isFetchedFrom = ({ metadata }: RecordJson) =>
  (metadata as Record<string, Choice | undefined> | undefined)?.[CHOICE]?.isFetched === true

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
