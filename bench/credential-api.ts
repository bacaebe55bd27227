import type { Tenant } from './api.js'
import type { HttpClient } from './client.js'

const UPDATE_TENANT = `mutation ($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }`

const CREATE_DID = `mutation ($input: CreateDidInput!) { createDid(input: $input) { did { did } } }`

const REGISTER_SCHEMA = `mutation ($input: RegisterSchemaInput!) { registerSchema(input: $input) { schema { id } } }`

const REGISTER_DEFINITION = `mutation ($input: RegisterCredentialDefinitionInput!) {
  registerCredentialDefinition(input: $input) { credentialDefinition { id } }
}`

const OFFER = `mutation ($input: OfferCredentialInput!) {
  offerCredential(input: $input) { credentialExchange { id threadId } }
}`

const REQUEST_PROOF = `mutation ($input: RequestProofInput!) {
  requestProof(input: $input) { proofExchange { id threadId } }
}`

/** A tenant that can issue. */
export interface Issuer {
  tenant: Tenant
  definitionId: string
}

/** The operations of the gateway's API that have to do with credentials. */
export class CredentialApi {
  constructor(private readonly http: HttpClient) {}

  /** From now on it accepts whatever it is offered, and proves whatever it is asked. */
  async acceptAll(tenant: Tenant): Promise<void> {
    const settings = { autoAcceptCredentials: 'ALWAYS', autoAcceptProofs: 'ALWAYS' }
    await this.http.graphql(tenant, UPDATE_TENANT, { input: { tenantId: tenant.id, settings } })
  }

  /**
   * Gives a tenant a did:webvh that the gateway hosts, a schema, and a definition whose credentials can be revoked.
   *
   * @param size how many credentials a revocation registry is for
   */
  async makeIssuer(tenant: Tenant, size: number): Promise<Issuer> {
    const { createDid } = await this.http.graphql<{ createDid: { did: { did: string } } }>(tenant, CREATE_DID, {
      input: { method: 'webvh' },
    })
    const issuerDid = createDid.did.did
    const { registerSchema } = await this.http.graphql<{ registerSchema: { schema: { id: string } } }>(
      tenant,
      REGISTER_SCHEMA,
      { input: { issuerDid, name: 'degree', version: '1.0', attributes: ['name', 'degree', 'year'] } },
    )
    const { registerCredentialDefinition } = await this.http.graphql<{
      registerCredentialDefinition: { credentialDefinition: { id: string } }
    }>(tenant, REGISTER_DEFINITION, {
      input: {
        issuerDid,
        schemaId: registerSchema.schema.id,
        tag: 'default',
        revocable: true,
        revocationRegistrySize: size,
      },
    })
    return { tenant, definitionId: registerCredentialDefinition.credentialDefinition.id }
  }

  /** @returns the thread, which is the same on both sides */
  async offer({ tenant, definitionId }: Issuer, connectionId: string, name: string): Promise<string> {
    const attributes = [
      { name: 'name', value: name },
      { name: 'degree', value: 'Physics' },
      { name: 'year', value: '2024' },
    ]
    const { offerCredential } = await this.http.graphql<{
      offerCredential: { credentialExchange: { threadId: string } }
    }>(tenant, OFFER, { input: { connectionId, credentialDefinitionId: definitionId, attributes } })
    return offerCredential.credentialExchange.threadId
  }

  /**
   * Asks for a name, and that the year is 2020 or later without telling it, of a credential that is not revoked now.
   *
   * @returns the thread, which is the same on both sides
   */
  async requestProof(verifier: Tenant, connectionId: string, definitionId: string): Promise<string> {
    const restrictions = [{ cred_def_id: definitionId }]
    const request = {
      requested_attributes: { who: { name: 'name', restrictions } },
      requested_predicates: { recent: { name: 'year', p_type: '>=', p_value: 2020, restrictions } },
      non_revoked: {},
    }
    const { requestProof } = await this.http.graphql<{ requestProof: { proofExchange: { threadId: string } } }>(
      verifier,
      REQUEST_PROOF,
      { input: { connectionId, name: 'Who are you?', request } },
    )
    return requestProof.proofExchange.threadId
  }
}
