import type { AgentContext, W3cJsonLdVerifiableCredential } from '@credo-ts/core'
import { CredoError, deepEquality, JsonTransformer } from '@credo-ts/core'
import type { W3cDetails, W3cJson } from '../../anoncreds/index.js'
import type { AnonCredsCalls } from './unit-calls.js'

/** What of Credo's service for AnonCreds in presentation exchange is replaced, and what that uses of it. */
export interface DataIntegrityService {
  extractPathNodes(object: unknown, paths: string[]): { value: unknown }[]
  getCredentialMetadataForDescriptor(
    context: AgentContext,
    descriptor: { path: string },
    selected: W3cJsonLdVerifiableCredential[],
  ): Promise<W3cDetails & { entryIndex: number; credential: W3cJsonLdVerifiableCredential }>
}

/** Lets the service read what a credential says of itself in another process: it is the one thing it asks the library. */
export function readDetailsAside(service: DataIntegrityService, workers: AnonCredsCalls): void {
  service.getCredentialMetadataForDescriptor = async (context, { path }, selected) => {
    const found = service.extractPathNodes({ verifiableCredential: selected }, [path])
    if (found.length !== 1) throw new CredoError('Could not extract credential from presentation submission')
    const json = JsonTransformer.toJSON(found[0]?.value) as W3cJson
    const entryIndex = selected.findIndex((credential) => deepEquality(JsonTransformer.toJSON(credential), json))
    const credential = selected[entryIndex]
    if (!credential) throw new CredoError('Could not find selected credential')
    const details = await workers.call(context.contextCorrelationId, 'readW3c', { credential: json })
    return { entryIndex, credential, ...details }
  }
}
