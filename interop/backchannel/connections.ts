import { type Gateway, GatewayRefusal } from './gateway.js'
import { type Json, Refusal } from './topic.js'

const FIELDS = 'id state role did theirDid theirLabel errorMessage'

const FIND = `query($id: ID!) {
  connection(id: $id) { ${FIELDS} }
  connections(first: 1, filter: {invitationId: $id}) { nodes { ${FIELDS} } }
  invitation(id: $id) { id role } }`
const ACCEPT_RESPONSE = 'mutation($id: ID!) { acceptConnectionResponse(connectionId: $id) { connection { id } } }'
const INVITATIONS = 'query { invitations(last: 100) { nodes { id message } } }'

interface Connection {
  id: string
  state: string
  did: string | null
  theirDid: string | null
}

interface Found {
  connection: Connection | null
  connections: { nodes: Connection[] }
  invitation: { id: string; role: 'SENDER' | 'RECEIVER' } | null
}

/** How far something is that the harness knows by one id from the invitation on. */
export interface Progress {
  /** The connection's, or the invitation's as long as there is no connection. */
  id: string
  /** Of the connection; else that of RFC 0023 that fits to the invitation. */
  state: string
  connection?: Connection
}

/**
 * Connections as the harness calls them. It wants a `connection_id` of an invitation, where the gateway has no connection
 * yet: it gets the invitation's id, by which the connection is found later. So nothing is kept here.
 */
export class Connections {
  constructor(private readonly gateway: Gateway) {}

  /**
   * How far a connection is. The harness has no step for the response that a requester got, so it is accepted as
   * somebody looks.
   * @throws {Refusal} 404
   */
  async progressOf(id: string): Promise<Progress> {
    const progress = await this.find(id)
    if (progress.state !== 'RESPONSE_RECEIVED') return progress
    await this.gateway.ask(ACCEPT_RESPONSE, { id: progress.id }).catch(unlessDone)
    return this.find(id)
  }

  /** Waits for a connection to be where `isThere` has it. */
  until(id: string, isThere: (progress: Progress) => boolean): Promise<Progress> {
    return this.gateway.until(`a further step of connection ${id}`, async () => {
      const progress = await this.progressOf(id)
      return isThere(progress) ? progress : undefined
    })
  }

  /** The connection behind an id that the harness has. */
  async idOf(id: string): Promise<string> {
    return (await this.until(id, ({ connection }) => connection !== undefined)).id
  }

  /** The invitation whose message is such, of the last hundred. */
  async invitationWith(fits: (message: Json) => boolean): Promise<{ id: string; message: Json } | undefined> {
    type Invitations = { invitations: { nodes: { id: string; message: Json }[] } }
    const { invitations } = await this.gateway.ask<Invitations>(INVITATIONS)
    return invitations.nodes.findLast(({ message }) => fits(message))
  }

  private async find(id: string): Promise<Progress> {
    const { connection, connections, invitation } = await this.gateway.ask<Found>(FIND, { id })
    const [known = connection] = connections.nodes
    if (known) return { id: known.id, state: known.state, connection: known }
    if (!invitation) throw new Refusal(404, `No connection or invitation ${id}`)
    return { id, state: invitation.role === 'SENDER' ? 'INVITATION_SENT' : 'INVITATION_RECEIVED' }
  }
}

/** Two who look at once both accept, and one of them comes too late. */
function unlessDone(error: unknown): void {
  if (!(error instanceof GatewayRefusal && error.code === 'CONFLICT')) throw error
}
