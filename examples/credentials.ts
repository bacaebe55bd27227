/**
 * A credential's life, between three tenants of a running gateway: issued, proven, revoked, refused.
 *
 *     node dist/examples/credentials.js http://127.0.0.1:4000 <operator key>
 *
 * or `GATEWAY_URL` and `OPERATOR_KEY` in the environment.
 */
import { fileURLToPath } from 'node:url'
import { describeEvent, shortened } from './describe-event.js'
import type { EventStream } from './event-stream.js'
import { GatewayClient, RefusedError } from './gateway-client.js'
import {
  AcceptCredentialOfferDocument,
  AcceptProofRequestDocument,
  CreateDidDocument,
  CreateInvitationDocument,
  CreateTenantDocument,
  CredentialsDocument,
  DeclineProofRequestDocument,
  DeleteTenantDocument,
  OfferCredentialDocument,
  ReceiveInvitationDocument,
  RegisterCredentialDefinitionDocument,
  RegisterSchemaDocument,
  RequestProofDocument,
  RevokeCredentialDocument,
} from './generated/operations.js'
import { freeName, type Say, tell } from './two-tenants.js'

interface Tenant {
  id: string
  name: string
  client: GatewayClient
  stream: EventStream
}

/** Tells the story. @throws {Error} where it does not go as it should */
export async function credentialStory(url: string, operatorKey: string, say: Say): Promise<void> {
  const operator = new GatewayClient(url, { operatorKey })
  const tenants: Tenant[] = []
  const create = async (wish: string, label: string): Promise<Tenant> => {
    const name = await freeName(operator, wish)
    const { createTenant } = await operator.ask(CreateTenantDocument, { input: { name, label } })
    const client = new GatewayClient(url, { token: createTenant.token })
    const stream = (await client.follow()).onEvent((event) => say(name, `   « ${describeEvent(event)}`))
    const tenant = { id: createTenant.tenant.id, name, client, stream }
    tenants.push(tenant)
    say('operator', `created the tenant ${name}`)
    return tenant
  }
  try {
    const issuer = await create('university', 'University')
    const holder = await create('ada', 'Ada')
    const verifier = await create('employer', 'Employer')
    const definitionId = await prepare(issuer, say)
    const toHolder = await connect(issuer, holder)
    const toProver = await connect(verifier, holder)
    say('holder', 'is connected to the university and to the employer')

    const issued = await issue(issuer, holder, toHolder, definitionId, say)
    const first = await askForProof(verifier, holder, toProver, definitionId, say)
    await holder.client.ask(AcceptProofRequestDocument, { input: { exchangeId: first.asked } })
    const proof = await verifier.stream.until(
      'the verdict',
      (event) =>
        event.__typename === 'ProofEvent' &&
        event.proofExchange.id === first.id &&
        event.proofExchange.state === 'DONE',
    )
    if (proof.__typename !== 'ProofEvent' || proof.proofExchange.verified !== true)
      throw new Error('The proof does not hold')
    say(verifier.name, `has the proof: it holds, and reveals ${JSON.stringify(proof.proofExchange.revealed)}`)

    await issuer.client.ask(RevokeCredentialDocument, { exchangeId: issued })
    say(issuer.name, 'revoked the credential; a status list that says so is served')
    await holder.stream.until('the revocation', (event) => event.__typename === 'RevocationEvent')
    const second = await askForProof(verifier, holder, toProver, definitionId, say)
    const refused = await holder.client
      .ask(AcceptProofRequestDocument, { input: { exchangeId: second.asked } })
      .catch((error: unknown) => error)
    if (!(refused instanceof RefusedError)) throw new Error('A revoked credential was proven')
    say(holder.name, `cannot prove it any more: ${refused.message}`)
    await holder.client.ask(DeclineProofRequestDocument, { exchangeId: second.asked, reason: 'It was revoked.' })
    await verifier.stream.until(
      'the refusal',
      (event) =>
        event.__typename === 'ProofEvent' &&
        event.proofExchange.id === second.id &&
        event.proofExchange.state === 'ABANDONED',
    )
    say(verifier.name, 'is told so')
  } finally {
    await Promise.all(tenants.map(({ stream }) => stream.stop()))
    for (const { id } of tenants) await operator.ask(DeleteTenantDocument, { input: { tenantId: id } })
  }
}

/** The three things that an issuer publishes. @returns the credential definition */
async function prepare({ name, client }: Tenant, say: Say): Promise<string> {
  const { createDid } = await client.ask(CreateDidDocument, { input: { method: 'webvh' } })
  const { did } = createDid.did
  say(name, `has a DID that the gateway hosts: ${shortened(did)}`)
  const schema = { issuerDid: did, name: 'Degree', version: '1.0', attributes: ['name', 'degree', 'year'] }
  const { registerSchema } = await client.ask(RegisterSchemaDocument, { input: schema })
  say(name, `published a schema: ${schema.attributes.join(', ')}`)
  const { registerCredentialDefinition } = await client.ask(RegisterCredentialDefinitionDocument, {
    input: {
      issuerDid: did,
      schemaId: registerSchema.schema.id,
      tag: '2026',
      revocable: true,
      revocationRegistrySize: 100,
    },
  })
  say(name, 'published a credential definition, whose credentials can be revoked')
  return registerCredentialDefinition.credentialDefinition.id
}

/** @returns the inviter's connection */
async function connect(inviter: Tenant, invitee: Tenant): Promise<string> {
  const { createInvitation } = await inviter.client.ask(CreateInvitationDocument, { input: {} })
  const { id, url } = createInvitation.invitation
  const { receiveInvitation } = await invitee.client.ask(ReceiveInvitationDocument, { input: { url } })
  const [own] = await Promise.all([
    inviter.stream.until(
      'the connection',
      (event) =>
        event.__typename === 'ConnectionEvent' &&
        event.connection.state === 'COMPLETED' &&
        event.connection.invitationId === id,
    ),
    invitee.stream.until(
      'the connection',
      (event) =>
        event.__typename === 'ConnectionEvent' &&
        event.connection.state === 'COMPLETED' &&
        event.connection.id === receiveInvitation.connection?.id,
    ),
  ])
  return own.__typename === 'ConnectionEvent' ? own.connection.id : ''
}

/** @returns the issuer's exchange */
async function issue(
  issuer: Tenant,
  holder: Tenant,
  connectionId: string,
  credentialDefinitionId: string,
  say: Say,
): Promise<string> {
  const attributes = [
    { name: 'name', value: 'Ada Lovelace' },
    { name: 'degree', value: 'Mathematics' },
    { name: 'year', value: '2024' },
  ]
  const { offerCredential } = await issuer.client.ask(OfferCredentialDocument, {
    input: { connectionId, credentialDefinitionId, attributes, comment: 'Congratulations!' },
  })
  const { id, threadId } = offerCredential.credentialExchange
  say(issuer.name, 'offers a credential')
  const offered = await holder.stream.until(
    'the offer',
    (event) => event.__typename === 'CredentialEvent' && event.credentialExchange.threadId === threadId,
  )
  if (offered.__typename !== 'CredentialEvent') throw new Error('No offer came')
  await holder.client.ask(AcceptCredentialOfferDocument, { exchangeId: offered.credentialExchange.id })
  say(holder.name, 'accepts it')
  await issuer.stream.until(
    'the end',
    (event) =>
      event.__typename === 'CredentialEvent' &&
      event.credentialExchange.id === id &&
      event.credentialExchange.state === 'DONE',
  )
  const { credentials } = await holder.client.ask(CredentialsDocument, { last: 1 })
  say(holder.name, `holds ${JSON.stringify(credentials.edges[0]?.node.attributes)}`)
  return id
}

/** @returns the exchange of the verifier, and that of the holder */
async function askForProof(
  verifier: Tenant,
  holder: Tenant,
  connectionId: string,
  definitionId: string,
  say: Say,
): Promise<{ id: string; asked: string }> {
  const restrictions = [{ cred_def_id: definitionId }]
  const request = {
    requested_attributes: { who: { name: 'name', restrictions } },
    requested_predicates: { recent: { name: 'year', p_type: '>=', p_value: 2020, restrictions } },
    non_revoked: {},
  }
  const { requestProof } = await verifier.client.ask(RequestProofDocument, {
    input: { connectionId, name: 'Application', request },
  })
  const { id, threadId } = requestProof.proofExchange
  say(verifier.name, 'asks for a name, and that the degree is of 2020 or later, and not revoked now')
  const asked = await holder.stream.until(
    'the request',
    (event) => event.__typename === 'ProofEvent' && event.proofExchange.threadId === threadId,
  )
  if (asked.__typename !== 'ProofEvent') throw new Error('No request came')
  return { id, asked: asked.proofExchange.id }
}

async function main(): Promise<void> {
  const url = process.argv[2] ?? process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:4000'
  const operatorKey = process.argv[3] ?? process.env['OPERATOR_KEY']
  if (!operatorKey) {
    console.error('usage: node dist/examples/credentials.js <url> <operator key>')
    process.exitCode = 2
    return
  }
  await credentialStory(url.replace(/\/$/, ''), operatorKey, tell)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
