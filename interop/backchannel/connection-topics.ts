import { connectionInvitation } from './connection-invitation.js'
import type { Connections, Progress } from './connections.js'
import { type Gateway, GatewayRefusal } from './gateway.js'
import { publicDidOf } from './publications.js'
import { type Json, NotMapped, part, Refusal, required, stateName, type Topic } from './topic.js'

const CREATE = `mutation($multiUse: Boolean, $did: String) {
  createInvitation(input: {multiUse: $multiUse, did: $did, autoAccept: false}) { invitation { id message } } }`
const RECEIVE_DID = `mutation($did: String!) {
  receiveInvitation(input: {did: $did, autoAccept: false}) { invitation { id } } }`
const RECEIVE = `mutation($message: JSON!, $autoAccept: Boolean!) {
  receiveInvitation(input: {message: $message, autoAccept: $autoAccept}) { invitation { id } connection { id } } }`
const ACCEPT_INVITATION = 'mutation($id: ID!) { acceptInvitation(invitationId: $id) { connection { id } } }'
const ACCEPT_REQUEST = 'mutation($id: ID!) { acceptConnectionRequest(connectionId: $id) { connection { id } } }'
const PING = 'mutation($id: ID!) { sendPing(connectionId: $id) { threadId } }'
const ASKED = `query($did: String!) {
  connections(last: 1, filter: {theirDid: $did, state: REQUEST_RECEIVED}) { nodes { id } } }`
const ACTIVE = `query($did: String!) {
  connections(last: 1, filter: {theirDid: $did, state: COMPLETED}) { nodes { id did theirDid } } }`
const ALL = '{ connections(last: 100) { nodes { id } } }'

/** What the harness asks to have in this place is decided by the gateway's settings. */
const NO_MEDIATOR = 'Which mediator a connection goes by is chosen by setDefaultMediator, not for each connection.'
const NO_DID_METHOD = 'Which kind of did:peer a handshake is made with cannot be chosen.'

type Naming = (progress: Progress) => string

/** Aries RFC 0160. */
const connectionState: Naming = ({ state }) => {
  if (state.startsWith('INVITATION')) return 'invited'
  if (state.startsWith('REQUEST')) return 'requested'
  if (state.startsWith('RESPONSE')) return 'responded'
  return state === 'COMPLETED' ? 'complete' : stateName(state)
}

/** Aries RFC 0023. */
const exchangeState: Naming = ({ state }) => stateName(state)

/** Connections, by either handshake, and the invitations to them. */
export function connectionTopics(gateway: Gateway, connections: Connections): Record<string, Topic> {
  const viewOf = async (id: string, naming: Naming, progress?: Progress): Promise<Json> => {
    const found = progress ?? (await connections.progressOf(id))
    const { did, theirDid } = found.connection ?? {}
    return { connection_id: found.id, state: naming(found), my_did: did ?? null, their_did: theirDid ?? null }
  }

  /** Makes an invitation whose requests wait for a step of their own. */
  const invite = async (data: Json): Promise<{ id: string; message: Json }> => {
    if (data['mediator_connection_id']) throw new NotMapped(NO_MEDIATOR)
    if (data['use_did_method']) throw new NotMapped(NO_DID_METHOD)
    type Created = { createInvitation: { invitation: { id: string; message: Json } } }
    const did = data['use_public_did'] === true ? await publicDidOf(gateway) : undefined
    const { createInvitation } = await gateway.ask<Created>(CREATE, { multiUse: data['multi_use'] === true, did })
    return createInvitation.invitation
  }

  const receive = async (data: Json, naming: Naming): Promise<Json> => {
    const { use_existing_connection: _, mediator_connection_id: mediator, ...message } = data
    if (mediator) throw new NotMapped(NO_MEDIATOR)
    // Without a handshake there is no step that would accept it, and what it brings along is to be there next.
    const opens = message['handshake_protocols'] ?? message['recipientKeys'] ?? message['did']
    type Received = { receiveInvitation: { invitation: { id: string } } }
    const variables = { message, autoAccept: opens === undefined }
    const { receiveInvitation } = await gateway.ask<Received>(RECEIVE, variables)
    if (opens === undefined) return { state: 'invitation-received' }
    return viewOf(receiveInvitation.invitation.id, naming)
  }

  const request = async (id: string | undefined, naming: Naming): Promise<Json> => {
    await gateway.ask(ACCEPT_INVITATION, { id: required(id, 'id') })
    return viewOf(required(id, 'id'), naming)
  }

  /** @param refused the status that says that no request waits (any more) */
  const respond = async (id: string | undefined, naming: Naming, refused: number): Promise<Json> => {
    const there = await connections.until(required(id, 'id'), ({ state }) => state !== 'INVITATION_SENT')
    await gateway.ask(ACCEPT_REQUEST, { id: there.id }).catch((error: unknown) => {
      if (error instanceof GatewayRefusal && error.code === 'CONFLICT') throw new Refusal(refused, error.message)
      throw error
    })
    return viewOf(there.id, naming)
  }

  const ping = async (id: string | undefined): Promise<Json> => {
    const isReady = ({ state }: Progress) => state === 'COMPLETED' || state === 'RESPONSE_SENT'
    const there = await connections.until(required(id, 'id'), isReady)
    const { sendPing } = await gateway.ask<{ sendPing: { threadId: string } }>(PING, { id: there.id })
    return { ...(await viewOf(there.id, connectionState)), thread_id: sendPing.threadId }
  }

  /** Of an invitation of ours, by the id of its message. */
  const toldOf = (naming: Naming) => async (messageId: string) => {
    const invitation = await connections.invitationWith((message) => message['@id'] === messageId)
    return invitation ? viewOf(invitation.id, naming) : {}
  }

  /** An invitation that brings along what was made before by `create-offer` or `create-request`. */
  const inviteWith = async (attachment: Json): Promise<Json> => {
    const bears = (message: Json) =>
      [message['requests~attach']]
        .flat()
        .some((each) => part(part(part(each)['data'])['json'])['@id'] === attachment['@id'])
    const invitation = await connections.invitationWith(bears)
    if (!invitation) throw new Refusal(404, 'No invitation of this tenant brings that along')
    return { state: 'invitation-sent', invitation: invitation.message }
  }

  return {
    connection: {
      get: (id) => viewOf(id, connectionState),
      async look() {
        const { connections: all } = await gateway.ask<{ connections: { nodes: { id: string }[] } }>(ALL)
        return Promise.all(all.nodes.map(({ id }) => viewOf(id, connectionState)))
      },
      told: toldOf(connectionState),
      operations: {
        async 'create-invitation'(_, data) {
          const { id, message } = await invite(data)
          return { connection_id: id, state: 'invited', invitation: connectionInvitation(message) }
        },
        'receive-invitation': (_, data) => receive(data, connectionState),
        'accept-invitation': (id) => request(id, connectionState),
        'accept-request': (id) => respond(id, connectionState, 406),
        'send-ping': ping,
      },
    },
    'out-of-band': {
      operations: {
        async 'send-invitation-message'(_, data) {
          const [attachment] = [data['attachments'] ?? []].flat()
          if (attachment) return inviteWith(part(attachment))
          const { message } = await invite(data)
          // The suites that invite by this topic are those of DID exchange.
          const offered = message['handshake_protocols'] as string[]
          const asked = data['handshake_protocols'] ?? offered.filter((each) => each.includes('/didexchange/'))
          // A tenant that mediates has one for its WebSocket beside it, which ACA-Py does not take.
          const [service] = message['services'] as Json[]
          return {
            state: 'invitation-sent',
            invitation: { ...message, handshake_protocols: asked, services: [service] },
          }
        },
        'receive-invitation': (_, data) => receive(data, exchangeState),
      },
    },
    'did-exchange': {
      get: (id) => viewOf(id, exchangeState),
      told: toldOf(exchangeState),
      operations: {
        'send-request'(id, data) {
          if (data['use_did_method'] || data['use_did']) throw new NotMapped(NO_DID_METHOD)
          return request(id, exchangeState)
        },
        'send-response': (id) => respond(id, exchangeState, 400),
        async 'create-request-resolvable-did'(_, data) {
          const did = required(data['their_public_did'], 'their_public_did')
          type Received = { receiveInvitation: { invitation: { id: string } } }
          const { receiveInvitation } = await gateway.ask<Received>(RECEIVE_DID, { did })
          return request(receiveInvitation.invitation.id, exchangeState)
        },
        /** What the requester has answered is handed on, and so the DID that it asks by. */
        async 'receive-request-resolvable-did'(_, data) {
          const did = required(data['my_did'], 'my_did')
          type Asked = { connections: { nodes: { id: string }[] } }
          const id = await gateway.until(
            `a request of ${did}`,
            async () => (await gateway.ask<Asked>(ASKED, { did })).connections.nodes[0]?.id,
          )
          return viewOf(id, exchangeState)
        },
      },
    },
    'active-connection': {
      async get(did) {
        type Active = { connections: { nodes: { id: string }[] } }
        const [node] = (await gateway.ask<Active>(ACTIVE, { did })).connections.nodes
        if (!node) throw new Refusal(400, `No connection to ${did}`)
        return viewOf(node.id, exchangeState)
      },
    },
  }
}
