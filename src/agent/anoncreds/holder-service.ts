import {
  AnonCredsCredentialRepository,
  type AnonCredsHolderService,
  type AnonCredsLinkSecretRecord,
  AnonCredsLinkSecretRepository,
  AnonCredsModuleConfig,
  AnonCredsRegistryService,
  AnonCredsRsError,
  generateLegacyProverDidLikeString,
  isUnqualifiedCredentialDefinitionId,
  storeLinkSecret,
} from '@credo-ts/anoncreds'
import {
  type AgentContext,
  CredoError,
  JsonTransformer,
  utils,
  W3cCredentialRecord,
  W3cCredentialRepository,
  W3cCredentialService,
  W3cJsonLdVerifiableCredential,
  W3cJsonLdVerifiablePresentation,
} from '@credo-ts/core'
import type { PresentedCredential, Processing, W3cJson } from '../../anoncreds/index.js'
import { describe } from './credential-record.js'
import { isLedgerDid } from './indy-writer.js'
import { fetchRevocationStatus, fetchTailsPath } from './revocation.js'
import type { AnonCredsCalls } from './unit-calls.js'
import { usesUnqualifiedIdentifiers } from './unqualified.js'

type Options<Name extends keyof AnonCredsHolderService> = Parameters<AnonCredsHolderService[Name]>[1]
type Returned<Name extends keyof AnonCredsHolderService> = ReturnType<AnonCredsHolderService[Name]>

/** A credential chosen for an attribute or predicate. */
interface Chosen {
  credentialId: string
  timestamp?: number
}

/** Credo's holder service, with the work of the library in other processes. What only reads the wallet is Credo's. */
export class WorkersHolderService implements AnonCredsHolderService {
  readonly getCredential: AnonCredsHolderService['getCredential']
  readonly getCredentials: AnonCredsHolderService['getCredentials']
  readonly getCredentialsForProofRequest: AnonCredsHolderService['getCredentialsForProofRequest']
  readonly deleteCredential: AnonCredsHolderService['deleteCredential']
  readonly generateNonce: AnonCredsHolderService['generateNonce']

  constructor(
    private readonly workers: AnonCredsCalls,
    stock: AnonCredsHolderService,
  ) {
    this.getCredential = stock.getCredential.bind(stock)
    this.getCredentials = stock.getCredentials.bind(stock)
    this.getCredentialsForProofRequest = stock.getCredentialsForProofRequest.bind(stock)
    this.deleteCredential = stock.deleteCredential.bind(stock)
    this.generateNonce = stock.generateNonce.bind(stock)
  }

  async createLinkSecret(context: AgentContext, options: Options<'createLinkSecret'>): Returned<'createLinkSecret'> {
    const linkSecretValue = await this.workers.call(context.contextCorrelationId, 'createLinkSecret', {})
    return { linkSecretId: options?.linkSecretId ?? utils.uuid(), linkSecretValue }
  }

  async createCredentialRequest(
    context: AgentContext,
    options: Options<'createCredentialRequest'>,
  ): Returned<'createCredentialRequest'> {
    const { credentialOffer: offer, credentialDefinition: definition, useLegacyProverDid } = options
    if (useLegacyProverDid && !isUnqualifiedCredentialDefinitionId(offer.cred_def_id)) {
      throw new CredoError('Cannot use legacy prover_did with non-legacy identifiers')
    }
    const secret = await this.#linkSecretRecord(context, options.linkSecretId)
    return this.workers.call(context.contextCorrelationId, 'createCredentialRequest', {
      offer,
      definition,
      linkSecret: secretOf(secret),
      linkSecretId: secret.linkSecretId,
      ...(useLegacyProverDid && { proverDid: generateLegacyProverDidLikeString() }),
    })
  }

  async w3cToLegacyCredential(
    context: AgentContext,
    options: Options<'w3cToLegacyCredential'>,
  ): Returned<'w3cToLegacyCredential'> {
    const credential = JsonTransformer.toJSON(options.credential) as W3cJson
    return this.workers.call(context.contextCorrelationId, 'w3cToLegacy', { credential })
  }

  async legacyToW3cCredential(
    context: AgentContext,
    { credential, issuerId, processOptions }: Options<'legacyToW3cCredential'>,
  ): Returned<'legacyToW3cCredential'> {
    const processing: Processing | undefined = processOptions && {
      requestMetadata: processOptions.credentialRequestMetadata,
      linkSecret: await getLinkSecret(context, processOptions.credentialRequestMetadata.link_secret_name),
      definition: processOptions.credentialDefinition,
      ...(processOptions.revocationRegistryDefinition && { registry: processOptions.revocationRegistryDefinition }),
    }
    const w3c = await this.workers.call(context.contextCorrelationId, 'legacyToW3c', {
      credential,
      issuerId,
      ...(processing && { processing }),
    })
    return JsonTransformer.fromJSON(w3c, W3cJsonLdVerifiableCredential)
  }

  async storeCredential(context: AgentContext, options: Options<'storeCredential'>): Promise<string> {
    const { credentialRequestMetadata, credentialDefinition, revocationRegistry } = options
    const credential =
      options.credential instanceof W3cJsonLdVerifiableCredential
        ? options.credential
        : await this.legacyToW3cCredential(context, {
            credential: options.credential,
            issuerId: credentialDefinition.issuerId,
            processOptions: {
              credentialRequestMetadata,
              credentialDefinition,
              revocationRegistryDefinition: revocationRegistry?.definition,
            },
          })
    const linkSecretId = credentialRequestMetadata.link_secret_name
    await getLinkSecret(context, linkSecretId)
    const { methodName } = context
      .resolve(AnonCredsRegistryService)
      .getRegistryForIdentifier(context, credential.issuerId)
    const { revocationRegistryIndex } = await this.workers.call(context.contextCorrelationId, 'readW3c', {
      credential: JsonTransformer.toJSON(credential) as W3cJson,
    })
    const record = W3cCredentialRecord.fromCredential(credential)
    describe(record, credential, {
      linkSecretId,
      methodName,
      schema: options.schema,
      schemaId: credentialDefinition.schemaId,
      definitionId: options.credentialDefinitionId,
      registryId: revocationRegistry?.id,
      revocationId: revocationRegistryIndex?.toString(),
    })
    await context.resolve(W3cCredentialService).storeCredential(context, { record })
    return record.id
  }

  async createProof(context: AgentContext, options: Options<'createProof'>): Returned<'createProof'> {
    const { proofRequest, selectedCredentials, schemas, credentialDefinitions } = options
    const { attributes, predicates, selfAttestedAttributes } = selectedCredentials
    const shown = [
      ...Object.entries(attributes).map(([referent, match]) => ({
        ...{ referent, match, isPredicate: false, reveal: match.revealed },
      })),
      ...Object.entries(predicates).map(([referent, match]) => ({ referent, match, isPredicate: true, reveal: true })),
    ]
    const entries: Chosen[] = []
    const proves = shown.map(({ referent, match, isPredicate, reveal }) => ({
      ...{ entryIndex: entryIndexOf(entries, match), referent, isPredicate, reveal },
    }))
    const credentials: PresentedCredential[] = []
    const linkSecretIds = new Set<string>()
    for (const entry of entries) {
      const { credential, linkSecretId } = await this.#presented(context, entry, options)
      credentials.push(credential)
      linkSecretIds.add(linkSecretId)
    }
    if (linkSecretIds.size > 1) {
      throw new AnonCredsRsError('All credentials in a Proof should have been issued using the same Link Secret')
    }
    const [linkSecretId] = linkSecretIds
    // The library wants one also where no credential is shown.
    const secret = await this.#linkSecretRecord(context, linkSecretId)
    return this.workers.call(context.contextCorrelationId, 'createPresentation', {
      request: proofRequest,
      credentials,
      proves,
      selfAttested: selfAttestedAttributes,
      linkSecret: secretOf(secret),
      schemas,
      definitions: credentialDefinitions,
    })
  }

  async createW3cPresentation(
    context: AgentContext,
    options: Options<'createW3cPresentation'>,
  ): Returned<'createW3cPresentation'> {
    const credentials: PresentedCredential[] = []
    for (const { credential, nonRevoked } of options.credentialsWithRevocationMetadata) {
      const json = JsonTransformer.toJSON(credential) as W3cJson
      if (!nonRevoked) {
        credentials.push({ credential: json })
        continue
      }
      const details = await this.workers.call(context.contextCorrelationId, 'readW3c', { credential: json })
      const { definition, statusList, timestamp } = await fetchRevocationStatus(context, details, nonRevoked)
      if (details.revocationRegistryIndex === undefined) throw new CredoError('Missing revocation metadata')
      const tailsPath = await fetchTailsPath(context, definition)
      const nonRevocation = { definition, statusList, index: details.revocationRegistryIndex, tailsPath }
      credentials.push({ credential: json, timestamp, nonRevocation })
    }
    const presentation = await this.workers.call(context.contextCorrelationId, 'createW3cPresentation', {
      request: options.proofRequest,
      credentials,
      proves: options.credentialsProve,
      linkSecret: await getLinkSecret(context, options.linkSecretId),
      schemas: options.schemas,
      definitions: options.credentialDefinitions,
    })
    return JsonTransformer.fromJSON(presentation, W3cJsonLdVerifiablePresentation)
  }

  /** The named one, else the default one, which is made if it may be. */
  async #linkSecretRecord(context: AgentContext, id: string | undefined): Promise<AnonCredsLinkSecretRecord> {
    const repository = context.resolve(AnonCredsLinkSecretRepository)
    const found = id ? await repository.getByLinkSecretId(context, id) : await repository.findDefault(context)
    if (found) return found
    if (!context.resolve(AnonCredsModuleConfig).autoCreateLinkSecret) {
      throw new AnonCredsRsError('There is no default link secret')
    }
    const made = await this.createLinkSecret(context, {})
    return storeLinkSecret(context, { ...made, setAsDefault: true })
  }

  /** What the library needs of a chosen credential. */
  async #presented(
    context: AgentContext,
    { credentialId, timestamp }: Chosen,
    { proofRequest, revocationRegistries }: Options<'createProof'>,
  ): Promise<{ credential: PresentedCredential; linkSecretId: string }> {
    const unqualified = usesUnqualifiedIdentifiers(proofRequest)
    const info = await this.getCredential(context, {
      id: credentialId,
      useUnqualifiedIdentifiersIfPresent: unqualified,
    })
    const { revocationRegistryId, credentialRevocationId } = info
    const presented: PresentedCredential = await this.#stored(context, credentialId)
    // One that came by the names of Indy has them in itself, whatever it is asked by.
    if (unqualified || isLedgerDid(info.credentialDefinitionId)) {
      presented.identifiers = { schema_id: info.schemaId, cred_def_id: info.credentialDefinitionId }
      if (revocationRegistryId !== null) presented.identifiers.rev_reg_id = revocationRegistryId
    }
    if (timestamp) {
      presented.timestamp = timestamp
      if (revocationRegistryId && credentialRevocationId) {
        const registry = revocationRegistries[revocationRegistryId]
        const statusList = registry?.revocationStatusLists[timestamp]
        if (!registry || !statusList) {
          throw new AnonCredsRsError('The revocation registry of a credential, or its list of that time, was not given')
        }
        presented.nonRevocation = {
          definition: registry.definition,
          statusList,
          index: Number(credentialRevocationId),
          tailsPath: registry.tailsFilePath,
        }
      }
    }
    return { credential: presented, linkSecretId: info.linkSecretId }
  }

  async #stored(context: AgentContext, id: string): Promise<PresentedCredential> {
    const record = await context.resolve(W3cCredentialRepository).findById(context, id)
    if (record) return { credential: JsonTransformer.toJSON(record.firstCredential) as W3cJson }
    const legacy = await context.resolve(AnonCredsCredentialRepository).getByCredentialId(context, id)
    return { credential: legacy.credential, legacy: true }
  }
}

/** A credential is presented once for each time that is asked of it. */
function entryIndexOf(entries: Chosen[], { credentialId, timestamp }: Chosen): number {
  const found = entries.findIndex((entry) => entry.credentialId === credentialId && entry.timestamp === timestamp)
  if (found !== -1) return found
  return entries.push({ credentialId, ...(timestamp !== undefined && { timestamp }) }) - 1
}

async function getLinkSecret(context: AgentContext, id: string | undefined): Promise<string> {
  return secretOf(await context.resolve(AnonCredsLinkSecretRepository).getByLinkSecretId(context, id ?? ''))
}

function secretOf({ value }: AnonCredsLinkSecretRecord): string {
  if (!value) throw new AnonCredsRsError('Link Secret value not stored')
  return value
}
