import { isDeepStrictEqual } from 'node:util'
import { type AnonCredsSchema, parseIndySchemaId } from '@credo-ts/anoncreds'
import type { IndyReader } from '../agent/anoncreds/indy-reader.js'
import { ensure, type IndyWriter } from '../agent/anoncreds/indy-writer.js'
import type { AnonCredsWorkers } from '../anoncreds/index.js'
import { badInput, conflict, notFound } from '../lib/errors.js'
import type { Sessions } from '../tenants/sessions.js'
import { assertNewDefinition, type MadeDefinition } from './anoncreds-records.js'
import { assertIssuer } from './issuer-did.js'
import { unwritten } from './unwritten.js'

const TYPE = { schema: '101', definition: '102' }

/** A definition that is on the ledger, and not in the wallet's list yet. */
export interface WrittenDefinition {
  id: string
  made: MadeDefinition
  /** Under which it is kept until it is. */
  name: string
}

/** Writes schemas and credential definitions to Indy ledgers. Nothing here is to be called with a wallet in hand. */
export class LedgerObjects {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: IndyReader,
    private readonly writer: IndyWriter,
    private readonly workers: AnonCredsWorkers,
  ) {}

  /** @returns its id. @throws CONFLICT where the ledger has another of this name and version, or does not let the DID */
  async writeSchema(tenantId: string, schema: AnonCredsSchema): Promise<string> {
    const { issuerId, name, version, attrNames } = schema
    if (name.includes('/')) throw badInput('On a ledger a name has no slash.', 'input.name')
    if (!/^\d+(\.\d+){1,2}$/.test(version)) {
      throw badInput('On a ledger a version is two or three numbers, such as 1.0.', 'input.version')
    }
    this.writer.placeOf(issuerId)
    const id = `${issuerId}/anoncreds/v0/SCHEMA/${name}/${version}`
    const isThere = async () => {
      const found = await this.reader.schema(id)
      if (!found) return false
      if (isDeepStrictEqual(new Set(found.object.attrNames), new Set(attrNames))) return true
      throw conflict('The ledger has another schema of this name and version. Take another version.', 'input.version')
    }
    await ensure(isThere, () =>
      this.writer.write(tenantId, issuerId, { type: TYPE.schema, data: { name, version, attr_names: attrNames } }),
    )
    return id
  }

  /**
   * Makes a definition, which takes seconds, and writes it.
   * @throws NOT_FOUND for a schema that is not on the ledger of the DID, CONFLICT where it has one of this tag
   */
  async writeDefinition(
    tenantId: string,
    { issuerDid, schemaId, tag, revocable }: { issuerDid: string; schemaId: string; tag: string; revocable: boolean },
  ): Promise<WrittenDefinition> {
    if (tag.includes('/')) throw badInput('On a ledger a tag has no slash.', 'input.tag')
    const { network } = this.writer.placeOf(issuerDid)
    const schema = await this.schemaOn(network.namespace, schemaId)
    const id = `${issuerDid}/anoncreds/v0/CLAIM_DEF/${schema.sequence}/${tag}`
    const name = `${id} ${revocable ? 'revocable' : 'plain'}`
    let made = await this.sessions.transact(tenantId, async (agent, unit) => {
      await assertIssuer(agent, issuerDid)
      await assertNewDefinition(unit, { issuerDid, schemaId: schema.id, tag })
      return unwritten.find<MadeDefinition>(unit, name)
    })
    if (!made) {
      // Whoever has its keys would lose what it has issued: a ledger lets its author write over it.
      if (await this.reader.definition(id)) throw otherDefinition()
      const fresh = await this.workers.call(tenantId, 'createCredentialDefinition', {
        schema: schema.object,
        schemaId: schema.id,
        issuerId: issuerDid,
        tag,
        supportRevocation: revocable,
      })
      made = await this.sessions.transact(tenantId, (_agent, unit) => unwritten.keep(unit, name, fresh))
    }
    const { value } = made.credentialDefinition
    const isThere = async () => {
      const found = await this.reader.definition(id)
      if (!found) return false
      if (isDeepStrictEqual(plain(found.object.value), plain(value))) return true
      throw otherDefinition()
    }
    const operation = { type: TYPE.definition, ref: schema.sequence, signature_type: 'CL', tag, data: plain(value) }
    await ensure(isThere, () => this.writer.write(tenantId, issuerDid, operation))
    return { id, made, name }
  }

  /** A schema, by the id that did:indy has for it. */
  private async schemaOn(namespace: string, schemaId: string) {
    const found = isSchemaId(schemaId) ? await this.reader.schema(schemaId) : undefined
    if (found?.network.namespace !== namespace || found.sequence === undefined) {
      throw notFound(`schema on the ledger ${namespace}`, 'input.schemaId')
    }
    const { namespaceIdentifier, schemaName, schemaVersion } = parseIndySchemaId(schemaId)
    const issuerId = `did:indy:${namespace}:${namespaceIdentifier}`
    const id = `${issuerId}/anoncreds/v0/SCHEMA/${schemaName}/${schemaVersion}`
    return { id, sequence: found.sequence, object: { ...found.object, issuerId } }
  }
}

function isSchemaId(id: string): boolean {
  try {
    parseIndySchemaId(id)
    return true
  } catch {
    return false
  }
}

/** As it goes over the wire: what is undefined is not there. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

const otherDefinition = () =>
  conflict(
    'The ledger has a credential definition of this schema and tag whose keys are not in this wallet. Take another tag.',
    'input.tag',
  )
