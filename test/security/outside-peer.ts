import { randomUUID } from 'node:crypto'
import { keyOfDid, Peer } from '../../bench/peer.js'
import type { PeerServer } from '../../bench/peer-server.js'
import type { AnyEvent, TestTenant } from '../support/client.js'
import { invite } from '../support/talk.js'
import { deliver } from './raw-http.js'

/** An agent outside of the gateway, with a connection to a tenant. */
export interface OutsidePeer {
  peer: Peer
  /** What the tenant receives by on this connection, base58. */
  recipientKey: string
  /** The connection's id in the tenant's wallet. */
  connectionId: string
}

/** Connects a new outside peer to a tenant, as any agent would: over the wire. */
export async function connectPeer(url: string, tenant: TestTenant, server: PeerServer): Promise<OutsidePeer> {
  const tap = await tenant.client.follow()
  try {
    const endpoint = server.endpoint(randomUUID())
    const peer = await Peer.create(endpoint.url)
    const { id, message } = await invite(tenant)
    const { services, '@id': threadId } = message as { services: { recipientKeys: string[] }[]; '@id': string }
    const invitationKey = keyOfDid(services[0]?.recipientKeys[0] ?? '')
    await deliver(url, peer.pack(peer.connectionRequest(threadId), invitationKey))
    const recipientKey = peer.senderOf(await endpoint.firstEnvelope)
    await deliver(url, peer.pack(peer.trustPing(), recipientKey))
    const isDone = ({ connection }: AnyEvent) => connection?.invitationId === id && connection.state === 'COMPLETED'
    const { connection } = await tap.find(isDone)
    return { peer, recipientKey, connectionId: connection.id }
  } finally {
    await tap.close()
  }
}
