import type { AnonCredsRevocationStatusList, AnonCredsVerifierService } from '@credo-ts/anoncreds'
import { type AgentContext, JsonTransformer } from '@credo-ts/core'
import type { W3cJson } from '../../anoncreds/index.js'
import { answersRequest } from './answered-request.js'
import { fetchRevocationStatus, overridesOf, type RevocationStatus } from './revocation.js'
import type { AnonCredsCalls } from './unit-calls.js'

type Options<Name extends keyof AnonCredsVerifierService> = Parameters<AnonCredsVerifierService[Name]>[1]

/** Credo's verifier service, with the work of the library in other processes. */
export class WorkersVerifierService implements AnonCredsVerifierService {
  constructor(private readonly workers: AnonCredsCalls) {}

  async verifyProof(context: AgentContext, options: Options<'verifyProof'>): Promise<boolean> {
    const { proof, proofRequest, schemas, credentialDefinitions, revocationRegistries } = options
    const registries = Object.entries(revocationRegistries)
    const referred = {
      schemas,
      definitions: credentialDefinitions,
      registries: Object.fromEntries(registries.map(([id, { definition }]) => [id, definition])),
    }
    if (!answersRequest(proof, proofRequest, referred)) return false
    const overrides = await overridesOf(context, proof, proofRequest)
    if (!overrides) return false
    return this.workers.call(context.contextCorrelationId, 'verifyPresentation', {
      proof,
      request: proofRequest,
      ...referred,
      statusLists: registries.flatMap(([, { revocationStatusLists }]) =>
        Object.values<AnonCredsRevocationStatusList>(revocationStatusLists),
      ),
      overrides,
    })
  }

  async verifyW3cPresentation(context: AgentContext, options: Options<'verifyW3cPresentation'>): Promise<boolean> {
    const statuses: RevocationStatus[] = []
    for (const { credential, nonRevoked } of options.credentialsWithRevocationMetadata) {
      if (!nonRevoked) continue
      const json = JsonTransformer.toJSON(credential) as W3cJson
      const details = await this.workers.call(context.contextCorrelationId, 'readW3c', { credential: json })
      statuses.push(await fetchRevocationStatus(context, details, nonRevoked))
    }
    const { presentation_submission: _, ...presentation } = JsonTransformer.toJSON(options.presentation) as W3cJson
    return this.workers.call(context.contextCorrelationId, 'verifyW3cPresentation', {
      presentation,
      request: options.proofRequest,
      schemas: options.schemas,
      definitions: options.credentialDefinitions,
      registries: Object.fromEntries(statuses.map(({ registryId, definition }) => [registryId, definition])),
      statusLists: statuses.map(({ statusList }) => statusList),
      overrides: statuses.flatMap(({ override }) => override ?? []),
    })
  }
}
