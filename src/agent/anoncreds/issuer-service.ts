import {
  type AnonCredsCredentialDefinition,
  AnonCredsCredentialDefinitionPrivateRepository,
  AnonCredsCredentialDefinitionRepository,
  type AnonCredsIssuerService,
  AnonCredsKeyCorrectnessProofRepository,
  type AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationRegistryDefinitionPrivateRepository,
  AnonCredsRevocationRegistryDefinitionRepository,
  isUnqualifiedCredentialDefinitionId,
} from '@credo-ts/anoncreds'
import { type AgentContext, CredoError } from '@credo-ts/core'
import type { Args, RevocationOfCredential } from '../../anoncreds/index.js'
import { placeIssuedAt } from './issuing-lists.js'
import type { AnonCredsCalls } from './unit-calls.js'
import { unqualified } from './unqualified.js'

type Options<Name extends keyof AnonCredsIssuerService> = Parameters<AnonCredsIssuerService[Name]>[1]
type Returned<Name extends keyof AnonCredsIssuerService> = ReturnType<AnonCredsIssuerService[Name]>

/** Credo's issuer service, with the work of the library in other processes. */
export class WorkersIssuerService implements AnonCredsIssuerService {
  constructor(private readonly workers: AnonCredsCalls) {}

  createSchema(context: AgentContext, options: Options<'createSchema'>): Returned<'createSchema'> {
    const { issuerId, name, version, attrNames } = options
    const args = { issuerId, name, version, attributeNames: attrNames }
    return this.workers.call(context.contextCorrelationId, 'createSchema', args)
  }

  createCredentialDefinition(
    context: AgentContext,
    options: Options<'createCredentialDefinition'>,
  ): Returned<'createCredentialDefinition'> {
    const { schema, schemaId, issuerId, tag, supportRevocation } = options
    const args = { schema, schemaId, issuerId, tag, supportRevocation }
    return this.workers.call(context.contextCorrelationId, 'createCredentialDefinition', args)
  }

  /** The file that `value.tailsLocation` names is the caller's: to publish, and to remove. */
  async createRevocationRegistryDefinition(
    context: AgentContext,
    options: Options<'createRevocationRegistryDefinition'>,
  ): Returned<'createRevocationRegistryDefinition'> {
    return this.workers.call(context.contextCorrelationId, 'createRevocationRegistryDefinition', {
      definition: options.credentialDefinition,
      definitionId: options.credentialDefinitionId,
      issuerId: options.issuerId,
      tag: options.tag,
      size: options.maximumCredentialNumber,
      tailsFolder: options.tailsDirectoryPath || (await this.workers.tailsFolder()),
    })
  }

  /** Of now: stock leaves the time out, and a list without one cannot be issued from. */
  async createRevocationStatusList(
    context: AgentContext,
    options: Options<'createRevocationStatusList'>,
  ): Returned<'createRevocationStatusList'> {
    const { issuerId, revocationRegistryDefinitionId: registryId, revocationRegistryDefinition: registry } = options
    return this.workers.call(context.contextCorrelationId, 'createRevocationStatusList', {
      definition: await definitionOf(context, registry.credDefId),
      registryId,
      registry,
      registryPrivate: await registryPrivateOf(context, registryId),
      issuerId,
      timestamp: Math.floor(Date.now() / 1000),
    })
  }

  async updateRevocationStatusList(
    context: AgentContext,
    options: Options<'updateRevocationStatusList'>,
  ): Returned<'updateRevocationStatusList'> {
    const { revocationStatusList: statusList, revocationRegistryDefinition, timestamp, tailsFilePath } = options
    const { issued, revoked } = options
    const args: Args<'updateRevocationStatusList'> = { statusList, ...(timestamp && { timestamp }) }
    if (!timestamp || issued || revoked) {
      args.change = {
        definition: await definitionOf(context, revocationRegistryDefinition.credDefId),
        registry: {
          ...revocationRegistryDefinition,
          value: { ...revocationRegistryDefinition.value, tailsLocation: tailsFilePath },
        },
        registryPrivate: await registryPrivateOf(context, statusList.revRegDefId),
        ...(issued && { issued }),
        ...(revoked && { revoked }),
      }
    }
    return this.workers.call(context.contextCorrelationId, 'updateRevocationStatusList', args)
  }

  async createCredentialOffer(
    context: AgentContext,
    options: Options<'createCredentialOffer'>,
  ): Returned<'createCredentialOffer'> {
    const { credentialDefinitionId: definitionId } = options
    const record = await recordOf(context, definitionId)
    const { schemaId } = record.credentialDefinition
    const proof = await context
      .resolve(AnonCredsKeyCorrectnessProofRepository)
      .getByCredentialDefinitionId(context, record.credentialDefinitionId)
    return this.workers.call(context.contextCorrelationId, 'createCredentialOffer', {
      schemaId: isUnqualifiedCredentialDefinitionId(definitionId) ? unqualified.schemaId(schemaId) : schemaId,
      definitionId,
      keyCorrectnessProof: proof.value,
    })
  }

  async createCredential(context: AgentContext, options: Options<'createCredential'>): Returned<'createCredential'> {
    const { credentialOffer: offer, credentialRequest: request, credentialValues } = options
    const { credentialDefinitionId, credentialDefinition } = await recordOf(context, request.cred_def_id)
    const definitionPrivate = await context
      .resolve(AnonCredsCredentialDefinitionPrivateRepository)
      .getByCredentialDefinitionId(context, credentialDefinitionId)
    const isUnqualified = isUnqualifiedCredentialDefinitionId(request.cred_def_id)
    const revocation =
      (await revocationOf(context, options)) ??
      (isUnqualified ? await unqualifiedRevocationOf(context, credentialDefinitionId) : undefined)
    const values = Object.entries(credentialValues)
    const credential = await this.workers.call(context.contextCorrelationId, 'createCredential', {
      definition: isUnqualified ? unqualified.definition(credentialDefinition) : credentialDefinition,
      definitionPrivate: definitionPrivate.value,
      offer,
      request,
      raw: Object.fromEntries(values.map(([name, { raw }]) => [name, raw])),
      encoded: Object.fromEntries(values.map(([name, { encoded }]) => [name, encoded])),
      ...(revocation && { revocation }),
    })
    return { credential, ...(revocation && { credentialRevocationId: String(revocation.index) }) }
  }
}

/** Of a definition by either of its names, where it is on an Indy ledger. */
const recordOf = (context: AgentContext, id: string) =>
  context.resolve(AnonCredsCredentialDefinitionRepository).getByCredentialDefinitionId(context, id)

async function definitionOf(context: AgentContext, id: string): Promise<AnonCredsCredentialDefinition> {
  return (await recordOf(context, id)).credentialDefinition
}

async function registryPrivateOf(context: AgentContext, id: string): Promise<Record<string, unknown>> {
  const repository = context.resolve(AnonCredsRevocationRegistryDefinitionPrivateRepository)
  return (await repository.getByRevocationRegistryDefinitionId(context, id)).value
}

async function revocationOf(
  context: AgentContext,
  options: Options<'createCredential'>,
): Promise<RevocationOfCredential | undefined> {
  const {
    revocationRegistryDefinitionId: id,
    revocationStatusList: statusList,
    revocationRegistryIndex: index,
  } = options
  if (id === undefined && statusList === undefined && index === undefined) return undefined
  if (!id || !statusList || index === undefined) {
    throw new CredoError(
      'Revocation requires all of revocationRegistryDefinitionId, revocationRegistryIndex and revocationStatusList',
    )
  }
  const definitionPrivate = await registryPrivateOf(context, id)
  return { definition: await registryOf(context, id), definitionPrivate, statusList, index }
}

/** Credo names no place to whom it issues by the names of Indy: the unit has taken it. */
async function unqualifiedRevocationOf(
  context: AgentContext,
  definitionId: string,
): Promise<RevocationOfCredential | undefined> {
  const place = placeIssuedAt(definitionId)
  if (!place) return undefined
  const { list, index } = place
  const definitionPrivate = await registryPrivateOf(context, list.revRegDefId)
  const definition = unqualified.registry(await registryOf(context, list.revRegDefId))
  return { definition, definitionPrivate, statusList: unqualified.list(list), index }
}

async function registryOf(context: AgentContext, id: string): Promise<AnonCredsRevocationRegistryDefinition> {
  const repository = context.resolve(AnonCredsRevocationRegistryDefinitionRepository)
  return (await repository.getByRevocationRegistryDefinitionId(context, id)).revocationRegistryDefinition
}
