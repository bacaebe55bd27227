import type { Gateway } from './gateway.js'
import { type Json, NotMapped, part, Refusal, required, type Topic } from './topic.js'

const DIDS = '{ dids(method: "webvh", last: 100) { nodes { did document } } }'
const CREATE_DID = 'mutation { createDid(input: {method: "webvh", options: {didcomm: true}}) { did { did } } }'
const SCHEMAS = '{ schemas(last: 100) { nodes { id name version attributes issuerDid } } }'
const REGISTER_SCHEMA = `mutation($input: RegisterSchemaInput!) {
  registerSchema(input: $input) { schema { id name version attributes issuerDid } } }`
const DEFINITIONS = '{ credentialDefinitions(last: 100) { nodes { id schemaId tag issuerDid revocable } } }'
const REGISTER_DEFINITION = `mutation($input: RegisterCredentialDefinitionInput!) {
  registerCredentialDefinition(input: $input) { credentialDefinition { id schemaId tag issuerDid revocable } } }`

/** A run of the harness issues a handful; a small registry is made at once. */
const REGISTRY_SIZE = 50

interface Schema {
  id: string
  name: string
  version: string
  attributes: string[]
  issuerDid: string
}

interface Definition {
  id: string
  schemaId: string
  tag: string
  issuerDid: string
  revocable: boolean
}

/** What an issuer publishes: a did:webvh, and AnonCreds schemas and credential definitions under it. */
export function publicationTopics(gateway: Gateway): Record<string, Topic> {
  const schemas = async () => (await gateway.ask<{ schemas: { nodes: Schema[] } }>(SCHEMAS)).schemas.nodes

  /** A schema is made once: the harness asks for the same one in every scenario. */
  const schemaOf = async (wanted: Omit<Schema, 'id'>): Promise<Schema> => {
    const same = ({ name, version, issuerDid }: Schema) =>
      name === wanted.name && version === wanted.version && issuerDid === wanted.issuerDid
    const known = (await schemas()).find(same)
    if (known) return known
    type Registered = { registerSchema: { schema: Schema } }
    return (await gateway.ask<Registered>(REGISTER_SCHEMA, { input: wanted })).registerSchema.schema
  }

  return {
    did: { look: async () => ({ did: await publicDidOf(gateway) }) },
    schema: {
      async get(id) {
        return viewOfSchema(found((await schemas()).find((schema) => schema.id === id)))
      },
      operations: {
        async ''(_, data) {
          const asked = part(data['schema'])
          const schema = await schemaOf({
            issuerDid: required(asked['issuerId'] ?? data['issuer_id'], 'issuer_id'),
            name: required(asked['name'] ?? data['schema_name'], 'schema_name'),
            version: required(asked['version'] ?? data['schema_version'], 'schema_version'),
            attributes: [asked['attrNames'] ?? data['attributes'] ?? []].flat().map(String),
          })
          return viewOfSchema(schema)
        },
      },
    },
    'credential-definition': {
      async get(id) {
        type Definitions = { credentialDefinitions: { nodes: Definition[] } }
        const { nodes } = (await gateway.ask<Definitions>(DEFINITIONS)).credentialDefinitions
        return viewOfDefinition(found(nodes.find((definition) => definition.id === id)))
      },
      operations: {
        async ''(_, data) {
          const asked = part(data['credential_definition'])
          const revocable = data['support_revocation'] === true || part(data['options'])['support_revocation'] === true
          const input = {
            issuerDid: required(asked['issuerId'] ?? data['issuer_id'], 'issuer_id'),
            schemaId: required(asked['schemaId'] ?? data['schema_id'], 'schema_id'),
            tag: required(asked['tag'] ?? data['tag'], 'tag'),
            revocable,
            revocationRegistrySize: revocable ? REGISTRY_SIZE : undefined,
          }
          type Registered = { registerCredentialDefinition: { credentialDefinition: Definition } }
          const { registerCredentialDefinition } = await gateway.ask<Registered>(REGISTER_DEFINITION, { input })
          return viewOfDefinition(registerCredentialDefinition.credentialDefinition)
        },
      },
    },
  }
}

/** The DID of the tenant by which others can connect; made where there is none. */
export async function publicDidOf(gateway: Gateway): Promise<string> {
  type Dids = { dids: { nodes: { did: string; document: Json | null }[] } }
  const isReached = ({ document }: Dids['dids']['nodes'][number]) =>
    [document?.['service'] ?? []].flat().some((service) => part(service)['type'] === 'did-communication')
  const known = (await gateway.ask<Dids>(DIDS)).dids.nodes.find(isReached)
  if (known) return known.did
  return (await gateway.ask<{ createDid: { did: { did: string } } }>(CREATE_DID)).createDid.did.did
}

const viewOfSchema = ({ id, name, version, attributes, issuerDid }: Schema): Json => ({
  ...{ schema_id: id, id, name, version, attrNames: attributes, issuerId: issuerDid },
  schema: { id, name, version, attrNames: attributes },
})

const viewOfDefinition = ({ id, schemaId, tag, issuerDid }: Definition): Json => ({
  ...{ credential_definition_id: id, id, schemaId, tag, type: 'CL', issuerId: issuerDid },
})

function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Refusal(404, 'Not of this tenant')
  return thing
}

/** The credential definition that the filter of an offer or a proposal names. */
export function definitionOf({ filter }: Json): string {
  const { anoncreds, indy, 'json-ld': jsonLd } = part(filter)
  if (jsonLd) throw new NotMapped('The gateway issues AnonCreds credentials, not JSON-LD ones.')
  if (indy) throw new NotMapped('The gateway issues AnonCreds under a did:webvh, and writes to no Indy ledger.')
  return required(part(anoncreds)['cred_def_id'], 'filter.anoncreds.cred_def_id')
}
