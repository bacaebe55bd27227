import {
  type AnonCredsCredentialDefinition,
  AnonCredsCredentialDefinitionPrivateRecord,
  AnonCredsCredentialDefinitionPrivateRepository,
  AnonCredsCredentialDefinitionRecord,
  AnonCredsCredentialDefinitionRepository,
  AnonCredsKeyCorrectnessProofRecord,
  AnonCredsKeyCorrectnessProofRepository,
  type AnonCredsSchema,
  AnonCredsSchemaRecord,
  AnonCredsSchemaRepository,
  fetchSchema,
} from '@credo-ts/anoncreds'
import { signResource } from '../agent/attested-resource.js'
import { takeStep } from '../agent/exchanges/steps.js'
import type { AgentPorts } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { AnonCredsWorkers } from '../anoncreds/index.js'
import { badInput, conflict, notFound } from '../lib/errors.js'
import { checkText } from '../lib/text.js'
import type { Listed } from '../storage/list.js'
import type { Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import type { RegisterCredentialDefinitionInput, RegisterSchemaInput } from './anoncreds.input.js'
import type { AnoncredsSchemaType, CredentialDefinitionType } from './anoncreds.type.js'
import { DEFINITION_RECORD, definitionView, REGISTRY_SIZE, SCHEMA_RECORD, schemaView } from './anoncreds.view.js'
import { assertIssuer } from './issuer-did.js'
import type { RevocationService } from './revocation.service.js'

/** The most attributes of a schema that the field's agents take. */
const ATTRIBUTES_MAX = 125

/** AnonCreds objects that a tenant publishes: schemas and credential definitions, as resources of its did:webvh. */
export class AnoncredsService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly ports: AgentPorts,
    private readonly workers: AnonCredsWorkers,
    private readonly revocation: RevocationService,
  ) {}

  listSchemas(tenantId: string, query: Parameters<WalletReader['list']>[4]): Promise<Listed[]> {
    return this.reader.list(tenantId, SCHEMA_RECORD, 'schemas', {}, query)
  }

  listDefinitions(tenantId: string, query: Parameters<WalletReader['list']>[4]): Promise<Listed[]> {
    return this.reader.list(tenantId, DEFINITION_RECORD, 'credential-definitions', {}, query)
  }

  /** @throws NOT_FOUND for a DID that is not the tenant's, BAD_USER_INPUT, CONFLICT where name and version are used */
  registerSchema(tenantId: string, input: RegisterSchemaInput): Promise<AnoncredsSchemaType> {
    const { issuerDid, name, version, attributes } = input
    checkText(name, 'input.name')
    checkText(version, 'input.version', { max: 50 })
    checkAttributeNames(attributes)
    const schema: AnonCredsSchema = { issuerId: issuerDid, name, version, attrNames: [...attributes] }
    return this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      const known = { issuerId: issuerDid, schemaName: name, schemaVersion: version }
      if ((await unit.query(SCHEMA_RECORD, known)).length > 0) {
        throw conflict('This issuer has a schema of this name and version. Take another version.', 'input.version')
      }
      const metadata = { resourceType: 'anonCredsSchema', resourceName: name }
      const resource = await signResource(agent.context, { issuerDid, content: { ...schema }, metadata })
      this.ports.publish(unit, resource)
      const record = new AnonCredsSchemaRecord({ schemaId: resource.resourceId, schema, methodName: 'webvh' })
      await agent.context.resolve(AnonCredsSchemaRepository).save(agent.context, record)
      return schemaView(await recordIn(unit, SCHEMA_RECORD, record.id, 'schema'))
    })
  }

  /**
   * Makes a definition, which takes seconds, with nothing held meanwhile. Revocation registries follow behind it.
   * @throws NOT_FOUND for a DID that is not the tenant's, or a schema that cannot be resolved, CONFLICT
   */
  async registerDefinition(
    tenantId: string,
    input: RegisterCredentialDefinitionInput,
  ): Promise<CredentialDefinitionType> {
    const { issuerDid, schemaId, tag } = input
    const supportRevocation = input.revocable ?? false
    checkText(tag, 'input.tag')
    const size = input.revocationRegistrySize ?? 1000
    if (size < 10 || size > 10_000) throw badInput('A registry is for 10 to 10000.', 'input.revocationRegistrySize')
    const schema = await this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      await assertNew(unit, input)
      return schemaOf(agent, schemaId)
    })
    const made = await this.workers.call(tenantId, 'createCredentialDefinition', {
      schema,
      schemaId,
      issuerId: issuerDid,
      tag,
      supportRevocation,
    })
    if (supportRevocation) await this.revocation.announce(tenantId)
    const definition = await this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      await assertNew(unit, input)
      return this.keepDefinition(agent, unit, made, size)
    })
    if (supportRevocation) this.revocation.provide(tenantId, definition.id)
    return definition
  }

  /** Whose a definition of this wallet is, and the attributes that its credentials have. @throws NOT_FOUND */
  async definitionOf(
    agent: WalletAgent,
    unit: Unit,
    credentialDefinitionId: string,
  ): Promise<{ issuerDid: string; names: string[] }> {
    const [entry] = await unit.query(DEFINITION_RECORD, { credentialDefinitionId })
    if (!entry) throw notFound('credential definition')
    const { issuerDid, schemaId } = definitionView(recordOf(entry))
    return { issuerDid, names: (await schemaOf(agent, schemaId)).attrNames }
  }

  private async keepDefinition(
    { context }: WalletAgent,
    unit: Unit,
    made: {
      credentialDefinition: AnonCredsCredentialDefinition
      credentialDefinitionPrivate: Record<string, unknown>
      keyCorrectnessProof: Record<string, unknown>
    },
    size: number,
  ): Promise<CredentialDefinitionType> {
    const { credentialDefinition } = made
    const metadata = { resourceType: 'anonCredsCredDef', resourceName: credentialDefinition.tag }
    const resource = await signResource(context, {
      issuerDid: credentialDefinition.issuerId,
      content: { ...credentialDefinition },
      metadata,
    })
    this.ports.publish(unit, resource)
    const credentialDefinitionId = resource.resourceId
    const record = new AnonCredsCredentialDefinitionRecord({
      credentialDefinitionId,
      credentialDefinition,
      methodName: 'webvh',
    })
    record.metadata.set(REGISTRY_SIZE, { size })
    await context.resolve(AnonCredsCredentialDefinitionRepository).save(context, record)
    await context.resolve(AnonCredsCredentialDefinitionPrivateRepository).save(
      context,
      new AnonCredsCredentialDefinitionPrivateRecord({
        credentialDefinitionId,
        value: made.credentialDefinitionPrivate,
      }),
    )
    await context
      .resolve(AnonCredsKeyCorrectnessProofRepository)
      .save(
        context,
        new AnonCredsKeyCorrectnessProofRecord({ credentialDefinitionId, value: made.keyCorrectnessProof }),
      )
    return definitionView(await recordIn(unit, DEFINITION_RECORD, record.id, 'credential definition'))
  }
}

async function assertNew(unit: Unit, { issuerDid, schemaId, tag }: RegisterCredentialDefinitionInput): Promise<void> {
  if ((await unit.query(DEFINITION_RECORD, { issuerId: issuerDid, schemaId, tag })).length > 0) {
    throw conflict('This issuer has a credential definition of this schema and tag. Take another tag.', 'input.tag')
  }
}

async function schemaOf(agent: WalletAgent, schemaId: string): Promise<AnonCredsSchema> {
  const found = await takeStep('The schema cannot be resolved.', () => fetchSchema(agent.context, schemaId))
  return found.schema
}

/** AnonCreds takes names that differ by case or spaces only for the same. */
function checkAttributeNames(attributes: readonly string[]): void {
  const field = 'input.attributes'
  if (attributes.length === 0 || attributes.length > ATTRIBUTES_MAX) {
    throw badInput(`A schema has 1 to ${ATTRIBUTES_MAX} attributes.`, field)
  }
  for (const name of attributes) checkText(name, field)
  const names = attributes.map((name) => name.replaceAll(' ', '').toLowerCase())
  if (new Set(names).size < names.length) throw badInput('Each attribute must be named once.', field)
}
