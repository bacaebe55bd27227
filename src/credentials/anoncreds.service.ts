import { AnonCredsModuleConfig, type AnonCredsSchema, fetchSchema } from '@credo-ts/anoncreds'
import { askLedger, isLedgerDid } from '../agent/anoncreds/indy-writer.js'
import { signResource } from '../agent/attested-resource.js'
import { takeStep } from '../agent/exchanges/steps.js'
import type { AgentPorts } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { type AnonCredsWorkers, ATTRIBUTES_MAX } from '../anoncreds/index.js'
import { badInput, conflict, notFound } from '../lib/errors.js'
import { checkText } from '../lib/text.js'
import type { Listed } from '../storage/list.js'
import type { Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import type { RegisterCredentialDefinitionInput, RegisterSchemaInput } from './anoncreds.input.js'
import type { AnoncredsSchemaType, CredentialDefinitionType } from './anoncreds.type.js'
import { DEFINITION_RECORD, definitionView, SCHEMA_RECORD } from './anoncreds.view.js'
import { assertNewDefinition, assertNewSchema, keepDefinition, keepSchema } from './anoncreds-records.js'
import { assertIssuer } from './issuer-did.js'
import type { LedgerObjects } from './ledger-objects.js'
import type { RevocationService } from './revocation.service.js'
import { unwritten } from './unwritten.js'

/**
 * AnonCreds objects that a tenant publishes: schemas and credential definitions, as resources of its did:webvh, or on the
 * ledger of its did:indy.
 */
export class AnoncredsService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly ports: AgentPorts,
    private readonly workers: AnonCredsWorkers,
    private readonly revocation: RevocationService,
    /** Where there are any. */
    private readonly ledgers: LedgerObjects | undefined,
  ) {}

  listSchemas(tenantId: string, query: Parameters<WalletReader['list']>[4]): Promise<Listed[]> {
    return this.reader.list(tenantId, SCHEMA_RECORD, 'schemas', {}, query)
  }

  listDefinitions(tenantId: string, query: Parameters<WalletReader['list']>[4]): Promise<Listed[]> {
    return this.reader.list(tenantId, DEFINITION_RECORD, 'credential-definitions', {}, query)
  }

  /**
   * @throws NOT_FOUND for a DID that is not the tenant's, BAD_USER_INPUT, CONFLICT where name and version are used, or the
   *   ledger refuses, PEER_UNREACHABLE where it does not answer
   */
  async registerSchema(tenantId: string, input: RegisterSchemaInput): Promise<AnoncredsSchemaType> {
    const { issuerDid, name, version, attributes } = input
    checkText(name, 'input.name')
    checkText(version, 'input.version', { max: 50 })
    checkAttributeNames(attributes)
    const schema: AnonCredsSchema = { issuerId: issuerDid, name, version, attrNames: [...attributes] }
    if (isLedgerDid(issuerDid)) return this.writeSchema(tenantId, schema)
    return this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      await assertNewSchema(unit, schema)
      const metadata = { resourceType: 'anonCredsSchema', resourceName: name }
      const resource = await signResource(agent.context, { issuerDid, content: { ...schema }, metadata })
      this.ports.publish(unit, resource)
      return keepSchema(agent, unit, { id: resource.resourceId, schema, method: 'webvh' })
    })
  }

  /**
   * Makes a definition, which takes seconds, with nothing held meanwhile. Revocation registries follow behind it.
   * @throws NOT_FOUND for a DID that is not the tenant's, or a schema whose id no registry here knows, PROTOCOL_ERROR for one
   * that cannot be resolved, CONFLICT, PEER_UNREACHABLE
   */
  async registerDefinition(
    tenantId: string,
    input: RegisterCredentialDefinitionInput,
  ): Promise<CredentialDefinitionType> {
    checkText(input.tag, 'input.tag')
    const size = input.revocationRegistrySize ?? 1000
    if (size < 10 || size > 10_000) throw badInput('A registry is for 10 to 10000.', 'input.revocationRegistrySize')
    const definition = isLedgerDid(input.issuerDid)
      ? await this.writeDefinition(tenantId, input, size)
      : await this.publishDefinition(tenantId, input, size)
    if (definition.revocable) this.revocation.provide(tenantId, definition.id)
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

  private async publishDefinition(
    tenantId: string,
    input: RegisterCredentialDefinitionInput,
    size: number,
  ): Promise<CredentialDefinitionType> {
    const { issuerDid, schemaId, tag } = input
    const supportRevocation = input.revocable ?? false
    const schema = await this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      await assertNewDefinition(unit, input)
      assertKnowable(agent, schemaId)
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
    return this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      await assertNewDefinition(unit, input)
      const metadata = { resourceType: 'anonCredsCredDef', resourceName: tag }
      const content = { ...made.credentialDefinition }
      const resource = await signResource(agent.context, { issuerDid, content, metadata })
      this.ports.publish(unit, resource)
      return keepDefinition(agent, unit, { id: resource.resourceId, made, size, method: 'webvh' })
    })
  }

  private async writeSchema(tenantId: string, schema: AnonCredsSchema): Promise<AnoncredsSchemaType> {
    const assertNew = async (agent: WalletAgent, unit: Unit) => {
      await assertIssuer(agent, schema.issuerId)
      await assertNewSchema(unit, schema)
    }
    await this.sessions.transact(tenantId, assertNew)
    const id = await askLedger(() => this.onLedgers().writeSchema(tenantId, schema))
    return this.sessions.transact(tenantId, async (agent, unit) => {
      await assertNew(agent, unit)
      return keepSchema(agent, unit, { id, schema, method: 'indy' })
    })
  }

  private async writeDefinition(
    tenantId: string,
    input: RegisterCredentialDefinitionInput,
    size: number,
  ): Promise<CredentialDefinitionType> {
    const revocable = input.revocable ?? false
    const written = await askLedger(() => this.onLedgers().writeDefinition(tenantId, { ...input, revocable }))
    if (revocable) await this.revocation.announce(tenantId)
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const { id, made, name } = written
      await assertNewDefinition(unit, { ...input, schemaId: made.credentialDefinition.schemaId })
      await unwritten.forget(unit, name)
      return keepDefinition(agent, unit, { id, made, size, method: 'indy' })
    })
  }

  private onLedgers(): LedgerObjects {
    if (!this.ledgers) throw conflict('The gateway has no ledgers. Have the operator name them in INDY_NETWORKS.')
    return this.ledgers
  }
}

/** @throws NOT_FOUND for an id that is none of any registry here */
function assertKnowable({ context }: WalletAgent, schemaId: string): void {
  const { registries } = context.resolve(AnonCredsModuleConfig)
  if (registries.some(({ supportedIdentifier }) => supportedIdentifier.test(schemaId))) return
  throw notFound('schema', 'input.schemaId')
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
