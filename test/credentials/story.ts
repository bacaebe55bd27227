import {
  type AnyEvent,
  connect,
  type EventTap,
  EXCHANGE_FIELDS,
  makeTenant,
  PROOF_FIELDS,
  type TestTenant,
  uniqueName,
} from '../support/client.js'

const credentialStep = (name: string) =>
  `mutation($id: ID!) { ${name}(exchangeId: $id) { credentialExchange { ${EXCHANGE_FIELDS} } } }`

export const OPERATIONS = {
  createDid: 'mutation($input: CreateDidInput!) { createDid(input: $input) { did { did document } } }',
  schema:
    'mutation($input: RegisterSchemaInput!) { registerSchema(input: $input) { schema { id issuerDid name version attributes } } }',
  definition: `mutation($input: RegisterCredentialDefinitionInput!) { registerCredentialDefinition(input: $input) {
    credentialDefinition { id schemaId issuerDid tag revocable } } }`,
  offer: `mutation($input: OfferCredentialInput!) { offerCredential(input: $input) {
    credentialExchange { ${EXCHANGE_FIELDS} } invitation { id url message state } } }`,
  acceptOffer: credentialStep('acceptCredentialOffer'),
  acceptRequest: credentialStep('acceptCredentialRequest'),
  acceptCredential: credentialStep('acceptCredential'),
  revoke: credentialStep('revokeCredential'),
  declineOffer: `mutation($id: ID!, $reason: String) { declineCredentialOffer(exchangeId: $id, reason: $reason) {
    credentialExchange { ${EXCHANGE_FIELDS} } } }`,
  exchange: `query($id: ID!) { credentialExchange(id: $id) { ${EXCHANGE_FIELDS} } }`,
  credentials:
    '{ credentials(first: 100) { nodes { id format issuerDid attributes schemaId credentialDefinitionId revoked } } }',
  requestProof: `mutation($input: RequestProofInput!) { requestProof(input: $input) {
    proofExchange { ${PROOF_FIELDS} } invitation { id url message state } } }`,
  acceptProof: `mutation($input: AcceptProofRequestInput!) { acceptProofRequest(input: $input) { proofExchange { ${PROOF_FIELDS} } } }`,
  acceptPresentation: `mutation($id: ID!) { acceptPresentation(exchangeId: $id) { proofExchange { ${PROOF_FIELDS} } } }`,
  declineProof: `mutation($id: ID!, $reason: String) { declineProofRequest(exchangeId: $id, reason: $reason) {
    proofExchange { ${PROOF_FIELDS} } } }`,
  fitting: 'query($id: ID!) { credentialsForProof(exchangeId: $id) }',
  proof: `query($id: ID!) { proofExchange(id: $id) { ${PROOF_FIELDS} } }`,
} as const

export interface Issuer extends TestTenant {
  did: string
  schemaId: string
  definitionId: string
}

/** A tenant that can issue: with a hosted DID, a schema of `name` and `degree`, and a definition. */
export async function makeIssuer(
  url: string,
  { revocable = false, revocationRegistrySize = 100 } = {},
  tenant?: TestTenant,
): Promise<Issuer> {
  const made = tenant ?? (await makeTenant(url))
  const { createDid } = await made.client.ask(OPERATIONS.createDid, { input: { method: 'webvh' } })
  const { did } = createDid.did
  const { registerSchema } = await made.client.ask(OPERATIONS.schema, {
    input: { issuerDid: did, name: uniqueName('degree'), version: '1.0', attributes: ['name', 'degree', 'year'] },
  })
  const schemaId = registerSchema.schema.id
  const { registerCredentialDefinition } = await made.client.ask(OPERATIONS.definition, {
    input: { issuerDid: did, schemaId, tag: 'default', revocable, revocationRegistrySize },
  })
  return { ...made, did, schemaId, definitionId: registerCredentialDefinition.credentialDefinition.id }
}

export const attributesOf = (name: string) => [
  { name: 'name', value: name },
  { name: 'degree', value: 'Physics' },
  { name: 'year', value: '2024' },
]

/** Waits for an exchange of a wallet to be in a state. */
export const inState = (tap: EventTap, id: string, state: string): Promise<AnyEvent> =>
  tap.find(
    (event) =>
      (event.credentialExchange?.id === id && event.credentialExchange.state === state) ||
      (event.proofExchange?.id === id && event.proofExchange.state === state),
    60_000,
  )

/** Offers a credential over a connection, and lets the holder accept it. @returns both sides' exchanges, DONE */
export async function issue(
  issuer: Issuer,
  holder: TestTenant,
  connections: { inviter: string; invitee: string },
  name: string,
  format?: 'ANONCREDS' | 'INDY' | 'DATA_INTEGRITY',
): Promise<{ issued: AnyEvent; held: AnyEvent }> {
  const [atIssuer, atHolder] = await Promise.all([issuer.client.follow(), holder.client.follow()])
  try {
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: connections.inviter,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf(name),
        ...(format && { format }),
      },
    })
    const { id, threadId } = offerCredential.credentialExchange
    const offered = await atHolder.find(
      (event) => event.credentialExchange?.threadId === threadId && event.credentialExchange.state === 'OFFER_RECEIVED',
    )
    await holder.client.ask(OPERATIONS.acceptOffer, { id: offered.credentialExchange.id })
    const held = await inState(atHolder, offered.credentialExchange.id, 'DONE')
    const issued = await inState(atIssuer, id, 'DONE')
    return { issued: issued.credentialExchange, held: held.credentialExchange }
  } finally {
    await Promise.all([atIssuer.close(), atHolder.close()])
  }
}

/** What a verifier asks: a revealed name, and a year without telling it. */
export const proofRequest = (issuer: Issuer, nonRevoked = false) => ({
  requested_attributes: { who: { name: 'name', restrictions: [{ cred_def_id: issuer.definitionId }] } },
  requested_predicates: {
    recent: { name: 'year', p_type: '>=', p_value: 2020, restrictions: [{ cred_def_id: issuer.definitionId }] },
  },
  ...(nonRevoked ? { non_revoked: {} } : {}),
})

/** The same by a presentation definition of DIF. */
export const presentationDefinition = (issuer: Issuer, active = false) => ({
  input_descriptors: [
    {
      id: 'degree',
      constraints: {
        fields: [
          { path: ['$.issuer'], filter: { type: 'string', const: issuer.did } },
          { path: ['$.credentialSubject.name'] },
          { path: ['$.credentialSubject.year'], predicate: 'required', filter: { type: 'number', minimum: 2020 } },
        ],
        limit_disclosure: 'required',
        ...(active ? { statuses: { active: { directive: 'required' } } } : {}),
      },
    },
  ],
})

/** Asks for a proof, and gives it. @returns the verifier's exchange once it has ended */
export async function prove(
  verifier: TestTenant,
  prover: TestTenant,
  connections: { inviter: string; invitee: string },
  request: object,
  { format, selection }: { format?: 'ANONCREDS' | 'PRESENTATION_EXCHANGE'; selection?: object } = {},
): Promise<AnyEvent> {
  const [atVerifier, atProver] = await Promise.all([verifier.client.follow(), prover.client.follow()])
  try {
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId: connections.inviter, name: 'Who are you?', request, ...(format && { format }) },
    })
    const { id, threadId } = requestProof.proofExchange
    const asked = await atProver.find(
      (event) => event.proofExchange?.threadId === threadId && event.proofExchange.state === 'REQUEST_RECEIVED',
    )
    await prover.client.ask(OPERATIONS.acceptProof, {
      input: { exchangeId: asked.proofExchange.id, ...(selection && { selection }) },
    })
    const ended = await atVerifier.find(
      (event) => event.proofExchange?.id === id && ['DONE', 'ABANDONED'].includes(event.proofExchange.state),
      60_000,
    )
    return ended.proofExchange
  } finally {
    await Promise.all([atVerifier.close(), atProver.close()])
  }
}

export { connect }
