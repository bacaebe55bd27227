import {
  AnonCredsError,
  AnonCredsModuleConfig,
  type AnonCredsNonRevokedInterval,
  type AnonCredsProof,
  type AnonCredsProofRequest,
  type AnonCredsProofRequestRestriction,
  type AnonCredsRevocationRegistryDefinition,
  type AnonCredsRevocationStatusList,
  assertBestPracticeRevocationInterval,
  fetchRevocationRegistryDefinition,
  fetchRevocationStatusList,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import type { IntervalOverride, W3cDetails } from '../../anoncreds/index.js'

/** What shows whether a credential was revoked within the interval. */
export interface RevocationStatus {
  registryId: string
  definition: AnonCredsRevocationRegistryDefinition
  statusList: AnonCredsRevocationStatusList
  timestamp: number
  override?: IntervalOverride
}

/**
 * Fetches what a presentation in the W3C form needs of a registry: for the time that the credential names, else for
 * the end of the interval.
 */
export async function fetchRevocationStatus(
  context: AgentContext,
  { revocationRegistryId: registryId, timestamp }: W3cDetails,
  interval: AnonCredsNonRevokedInterval,
): Promise<RevocationStatus> {
  if (!registryId) throw new AnonCredsError('The credential cannot be revoked, but that it is not is asked for')
  assertBestPracticeRevocationInterval(interval)
  const wanted = timestamp ?? interval.to
  const { revocationRegistryDefinition } = await fetchRevocationRegistryDefinition(context, registryId)
  const { revocationStatusList } = await fetchRevocationStatusList(context, registryId, wanted)
  const status = {
    registryId,
    definition: revocationRegistryDefinition,
    statusList: revocationStatusList,
    timestamp: timestamp ?? revocationStatusList.timestamp,
  }
  if (!interval.from || interval.from <= wanted) return status
  const override = await findOverride(context, registryId, { from: interval.from, timestamp: wanted })
  if (!override) throw new AnonCredsError('There is a later status list than the one that was used')
  return { ...status, override }
}

/**
 * Which earlier lists of a proof still hold at the beginning of the interval that was asked for.
 *
 * @returns null if one does not
 */
export async function overridesOf(
  context: AgentContext,
  proof: AnonCredsProof,
  request: AnonCredsProofRequest,
): Promise<IntervalOverride[] | null> {
  const overrides: IntervalOverride[] = []
  const intervalOf = intervals(request)
  for (const identifier of proof.identifiers) {
    const { rev_reg_id: registryId, timestamp } = identifier
    if (!timestamp || !registryId) continue
    const from = intervalOf(identifier)?.from
    if (!from || from <= timestamp) continue
    const override = await findOverride(context, registryId, { from, timestamp })
    if (!override) return null
    overrides.push(override)
  }
  return overrides
}

export async function fetchTailsPath(
  context: AgentContext,
  definition: AnonCredsRevocationRegistryDefinition,
): Promise<string> {
  const { tailsFileService } = context.resolve(AnonCredsModuleConfig)
  const { tailsFilePath } = await tailsFileService.getTailsFile(context, { revocationRegistryDefinition: definition })
  return tailsFilePath
}

/** The list of the time is an earlier one, but still that of the beginning of the interval. */
async function findOverride(
  context: AgentContext,
  registryId: string,
  { from, timestamp }: { from: number; timestamp: number },
): Promise<IntervalOverride | undefined> {
  const { revocationStatusList } = await fetchRevocationStatusList(context, registryId, from)
  if (revocationStatusList.timestamp !== timestamp) return undefined
  return {
    revocationRegistryDefinitionId: registryId,
    requestedFromTimestamp: from,
    overrideRevocationStatusListTimestamp: timestamp,
  }
}

/**
 * Finds the interval that a request asks for of a credential: the latest of those that may be meant for it. Credo leaves
 * out what is asked without restrictions, and so refuses every list that is older than the question.
 */
function intervals(request: AnonCredsProofRequest) {
  const asked = [
    ...Object.values(request.requested_attributes),
    ...Object.values(request.requested_predicates),
  ].flatMap(({ restrictions = [], non_revoked: interval = request.non_revoked }) =>
    interval ? [{ restrictions, interval }] : [],
  )
  return (identifier: AnonCredsProof['identifiers'][number]): AnonCredsNonRevokedInterval | undefined =>
    asked
      .filter(({ restrictions }) => restrictions.length === 0 || restrictions.some((one) => mayFit(one, identifier)))
      .map(({ interval }) => interval)
      .sort((a, b) => (b.from ?? 0) - (a.from ?? 0))[0]
}

/** Whether a restriction names nothing that a credential's identifiers contradict. */
function mayFit(
  restriction: AnonCredsProofRequestRestriction,
  identifier: AnonCredsProof['identifiers'][number],
): boolean {
  const names = ['rev_reg_id', 'cred_def_id', 'schema_id'] as const
  return names.every((name) => restriction[name] === undefined || restriction[name] === identifier[name])
}
