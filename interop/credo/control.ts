import { createInterface } from 'node:readline'
import type { Json } from '../peer-wallet.js'

// What a process with a stock Credo agent is told and tells: a line of JSON each.

export interface Order {
  id: number
  do: keyof Orders
  with: Json
}

export interface Line {
  id?: number
  result?: Json
  error?: string
  /** A basic message has come. */
  heard?: { connectionId: string; content: string }
  /** The answer to a ping has come. */
  answered?: { threadId: string }
}

/** The parts of an agent that are alike in Credo 0.5 and 0.6. */
export interface Parts {
  oob: Json
  connections: Json
  connectionsConfig: Json
  basicMessages: Json
  mediationRecipient: Json
}

const DOMAIN = 'http://credo.example'

const orders = ({ oob, connections, connectionsConfig, basicMessages, mediationRecipient }: Parts) => ({
  async invite({ protocol, multiUse, mediator }: { protocol: string; multiUse?: boolean; mediator?: string }) {
    const record = await oob.createInvitation({
      // Credo names a protocol by its major version.
      handshakeProtocols: [protocol.replace(/\.\d+$/, '.x')],
      multiUseInvitation: multiUse ?? false,
      autoAcceptConnection: true,
      ...(mediator ? { routing: await mediationRecipient.getRouting({ mediatorId: mediator }) } : {}),
    })
    return record.outOfBandInvitation.toJSON()
  },
  async inviteAsBefore() {
    return (await oob.createLegacyInvitation({ autoAcceptConnection: true })).invitation.toJSON()
  },
  async receive({ invitation, numAlgo }: { invitation: object; numAlgo?: number }) {
    const before = connectionsConfig.peerNumAlgoForDidExchangeRequests
    if (numAlgo !== undefined) connectionsConfig.peerNumAlgoForDidExchangeRequests = numAlgo
    try {
      const url = `${DOMAIN}?oob=${Buffer.from(JSON.stringify(invitation)).toString('base64url')}`
      const choices = { autoAcceptInvitation: true, autoAcceptConnection: true, reuseConnection: false }
      const { connectionRecord } = await oob.receiveInvitationFromUrl(url, { label: 'Credo', ...choices })
      return connectionRecord.id
    } finally {
      connectionsConfig.peerNumAlgoForDidExchangeRequests = before
    }
  },
  stateOf: async ({ connectionId }: { connectionId: string }) => (await connections.getById(connectionId)).state,
  async connectionsOf({ invitationId }: { invitationId: string }) {
    const record = await oob.findByCreatedInvitationId(invitationId)
    const all = record ? await connections.findAllByOutOfBandId(record.id) : []
    return all.filter(({ state }: Json) => state === 'completed').map(({ id }: Json) => id)
  },
  async say({ connectionId, content }: { connectionId: string; content: string }) {
    await basicMessages.sendMessage(connectionId, content)
  },
  ping: async ({ connectionId }: { connectionId: string }) => (await connections.sendPing(connectionId, {})).threadId,
  async mediatedBy({ connectionId }: { connectionId: string }) {
    return (await mediationRecipient.requestAndAwaitGrant(await connections.getById(connectionId))).id
  },
})

export type Orders = ReturnType<typeof orders>

export const tell = (line: Line) => void process.stdout.write(`${JSON.stringify(line)}\n`)

/** Does what it is told to, each order by itself, until its input ends. */
export function serve(parts: Parts, stop: () => Promise<void>): void {
  const known = orders(parts) as Record<string, (args: Json) => Promise<Json>>
  const lines = createInterface(process.stdin)
  lines.on('line', async (line) => {
    const { id, do: name, with: args } = JSON.parse(line) as Order
    try {
      tell({ id, result: (await known[name]?.(args)) ?? null })
    } catch (error) {
      tell({ id, error: error instanceof Error ? error.message : String(error) })
    }
  })
  lines.on('close', () => stop().finally(() => process.exit()))
  tell({})
}
