import type { Connections } from './connections.js'
import { type Exchange, Exchanges } from './exchanges.js'
import type { Gateway } from './gateway.js'
import { type Json, NotMapped, notMapped, part, required, stateName, type Topic } from './topic.js'

const FIELDS = 'id threadId state role errorMessage verified'

const ONLY_NEWER =
  'The gateway begins by present proof 2.0 (RFC 0454) alone; 1.0 goes on from what the other agent began.'

interface ProofExchange extends Exchange {
  verified: boolean | null
}

/** Present proof 1.0 and 2.0. */
export function proofTopics(gateway: Gateway, connections: Connections): Record<string, Topic> {
  const exchanges = new Exchanges<ProofExchange>(gateway, 'proofExchanges', FIELDS)

  /** A request, over a connection where one is named. The two versions have its parts in different places. */
  const requestOf = async (data: Json): Promise<Json> => {
    const asked = part(data['presentation_request'])
    if (asked['format'] === 'json-ld') throw new NotMapped('The gateway verifies AnonCreds proofs, not JSON-LD ones.')
    const connectionId = asked['connection_id'] ?? data['connection_id']
    const { name, ...request } = part(asked['data'] ?? part(asked['proof_request'])['data'])
    return {
      name: typeof name === 'string' ? name : 'Proof request',
      comment: asked['comment'],
      request,
      ...(typeof connectionId === 'string' ? { connectionId: await connections.idOf(connectionId) } : {}),
    }
  }

  const proving: Topic = {
    get: async (threadId) => viewOf(await exchanges.of(threadId)),
    operations: {
      async 'send-request'(id, data) {
        const wanted = await requestOf(data)
        if (!id) return viewOf((await exchanges.run('requestProof', 'RequestProofInput', wanted)).exchange)
        const answer = { type: 'AcceptProofProposalInput', with: { request: wanted['request'] } }
        return viewOf(await exchanges.step(id, 'PROPOSAL_RECEIVED', 'acceptProofProposal', answer))
      },
      async 'create-request'(_, data) {
        const made = await exchanges.run('requestProof', 'RequestProofInput', await requestOf(data))
        return { record: viewOf(made.exchange), message: made.message }
      },
      'send-proposal': notMapped(
        'The gateway proposes a whole presentation request; the harness names no more than attributes.',
      ),
      async 'send-presentation'(id, data) {
        const answer = { type: 'AcceptProofRequestInput', with: { selection: selectionOf(data) } }
        return viewOf(await exchanges.step(required(id, 'id'), 'REQUEST_RECEIVED', 'acceptProofRequest', answer))
      },
      async 'verify-presentation'(id) {
        const threadId = required(id, 'id')
        // One that does not hold has ended the exchange: there is nothing to accept, and `verified` says why.
        const { state, verified } = await exchanges.until(threadId, 'PRESENTATION_RECEIVED')
        if (state === 'ABANDONED' && verified === false) return viewOf(await exchanges.of(threadId))
        return viewOf(await exchanges.step(threadId, 'PRESENTATION_RECEIVED', 'acceptPresentation'))
      },
    },
  }

  const older: Topic = {
    ...proving,
    operations: {
      ...proving.operations,
      'create-request': notMapped(ONLY_NEWER),
      'send-request': (id, data) =>
        (id ? proving.operations?.['send-request'] : notMapped(ONLY_NEWER))?.(id, data) as Promise<Json>,
    },
  }
  return { proof: older, 'proof-v2': proving }
}

/** Which credential answers which referent, as acceptProofRequest takes it. */
function selectionOf(data: Json): Json {
  const chosen = { ...part(data['requested_attributes']), ...part(data['requested_predicates']) }
  const attested = Object.entries(part(data['self_attested_attributes']))
  return Object.fromEntries([
    ...Object.entries(chosen).map(([referent, choice]) => {
      const { cred_id: credentialId, revealed } = part(choice)
      return [referent, typeof revealed === 'boolean' ? { credentialId, revealed } : credentialId]
    }),
    ...attested.map(([referent, selfAttested]) => [referent, { selfAttested }]),
  ])
}

/** `verified` is text, as the harness reads it. */
const viewOf = ({ threadId, state, role, verified, errorMessage }: ProofExchange): Json => ({
  state: stateName(state),
  thread_id: threadId,
  role: role.toLowerCase(),
  ...(verified === null ? {} : { verified: `${verified}` }),
  ...(errorMessage ? { error_msg: errorMessage } : {}),
})
