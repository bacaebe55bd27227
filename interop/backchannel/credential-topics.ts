import type { Connections } from './connections.js'
import { type Exchange, Exchanges } from './exchanges.js'
import type { Gateway } from './gateway.js'
import { definitionOf } from './publications.js'
import { type Json, notMapped, part, Refusal, required, stateName, type Topic } from './topic.js'

const FIELDS = `id threadId state role errorMessage revoked credentialIds credentialDefinitionId schemaId`
const CREDENTIAL = 'query($id: ID!) { credential(id: $id) { id schemaId credentialDefinitionId attributes revoked } }'
const DELETE = 'mutation($id: ID!) { deleteCredential(credentialId: $id) { deletedId } }'
const REVOKE = 'mutation($id: ID!) { revokeCredential(exchangeId: $id) { credentialExchange { id revoked } } }'

const ONLY_NEWER =
  'The gateway begins by issue credential 2.0 (RFC 0453) alone; 1.0 goes on from what the other agent began.'

interface CredentialExchange extends Exchange {
  revoked: boolean
  credentialIds: string[]
}

interface Credential {
  id: string
  schemaId: string
  credentialDefinitionId: string
  attributes: Json
  revoked: boolean | null
}

/** Issue credential 1.0 and 2.0, the credentials that come of it, and their revocation. */
export function credentialTopics(gateway: Gateway, connections: Connections): Record<string, Topic> {
  const exchanges = new Exchanges<CredentialExchange>(gateway, 'credentialExchanges', FIELDS)
  const next = (state: string, mutation: string) => async (id: string | undefined) =>
    viewOf(await exchanges.step(required(id, 'id'), state, mutation))

  /** What is offered or proposed, over a connection where one is named. */
  const contentOf = async (data: Json): Promise<Json> => {
    const preview = part(data['credential_preview'])['attributes'] as { name: string; value: string }[] | undefined
    const connectionId = data['connection_id']
    return {
      credentialDefinitionId: definitionOf(data),
      attributes: (preview ?? []).map(({ name, value }) => ({ name, value })),
      ...(typeof connectionId === 'string' ? { connectionId: await connections.idOf(connectionId) } : {}),
    }
  }

  const issuing: Topic = {
    get: async (threadId) => viewOf(await exchanges.of(threadId)),
    operations: {
      async 'send-proposal'(_, data) {
        return viewOf(
          (await exchanges.run('proposeCredential', 'ProposeCredentialInput', await contentOf(data))).exchange,
        )
      },
      async 'send-offer'(id, data) {
        const answer = { type: 'AcceptCredentialProposalInput', with: {} }
        if (id) return viewOf(await exchanges.step(id, 'PROPOSAL_RECEIVED', 'acceptCredentialProposal', answer))
        return viewOf((await exchanges.run('offerCredential', 'OfferCredentialInput', await contentOf(data))).exchange)
      },
      async 'create-offer'(_, data) {
        const made = await exchanges.run('offerCredential', 'OfferCredentialInput', await contentOf(data))
        return { record: viewOf(made.exchange), message: made.message }
      },
      'send-request': next('OFFER_RECEIVED', 'acceptCredentialOffer'),
      issue: next('REQUEST_RECEIVED', 'acceptCredentialRequest'),
      store: next('CREDENTIAL_RECEIVED', 'acceptCredential'),
      'prepare-json-ld': notMapped('The gateway issues AnonCreds credentials, not JSON-LD ones.'),
    },
  }

  const older: Topic = {
    ...issuing,
    operations: {
      ...issuing.operations,
      'send-proposal': notMapped(ONLY_NEWER),
      'create-offer': notMapped(ONLY_NEWER),
      'send-offer': (id, data) =>
        (id ? issuing.operations?.['send-offer'] : notMapped(ONLY_NEWER))?.(id, data) as Promise<Json>,
      send: notMapped(ONLY_NEWER),
    },
  }

  const credential = async (id: string): Promise<Credential> => {
    const { credential } = await gateway.ask<{ credential: Credential | null }>(CREDENTIAL, { id })
    if (!credential) throw new Refusal(404, `No credential ${id}`)
    return credential
  }

  return {
    'issue-credential': older,
    'issue-credential-v2': issuing,
    credential: {
      async get(id) {
        const { schemaId, credentialDefinitionId, attributes } = await credential(id)
        return {
          referent: id,
          credential_id: id,
          schema_id: schemaId,
          cred_def_id: credentialDefinitionId,
          attrs: attributes,
        }
      },
      lookups: { revoked: async (id) => ({ revoked: (await credential(id)).revoked === true }) },
      async remove(id) {
        await gateway.ask(DELETE, { id })
        return {}
      },
    },
    revocation: {
      operations: {
        async revoke(_, data) {
          await gateway.ask(REVOKE, { id: required(data['cred_rev_id'], 'cred_rev_id') })
          return {}
        },
      },
    },
    // The API names a credential by its exchange, not by its place in a registry; to the harness both are just names.
    'revocation-registry': {
      async told(threadId) {
        const exchange = await exchanges.find(threadId)
        return exchange?.role === 'ISSUER' ? { revocation_id: exchange.id, revoc_reg_id: threadId } : {}
      },
    },
    'revocation-notification': {
      async told(id) {
        const [, threadId = id] = /^\w+::(.+)::[^:]+$/.exec(id) ?? []
        const exchange = await exchanges.find(threadId)
        return exchange?.revoked ? { thread_id: id } : {}
      },
    },
  }
}

const viewOf = ({ threadId, state, role, credentialIds, errorMessage }: CredentialExchange): Json => ({
  state: stateName(state),
  thread_id: threadId,
  role: role.toLowerCase(),
  ...(credentialIds[0] ? { credential_id: credentialIds[0] } : {}),
  ...(errorMessage ? { error_msg: errorMessage } : {}),
})
