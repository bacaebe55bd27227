// biome-ignore lint/suspicious/noExplicitAny: what agents answer is read field by field
export type Json = any

export interface InviteOptions {
  multiUse?: boolean
  /** Which kind of DID it is to answer with, such as `did:peer:2`. */
  didMethod?: string
  /** What mediatedBy gave. */
  mediator?: string
}

/** A wallet of another agent, as the scenarios use it. */
export interface PeerWallet {
  /** @returns an out-of-band invitation that asks for one handshake */
  invite(protocol: string, options?: InviteOptions): Promise<Json>
  /** @returns an invitation of Aries RFC 0160, from before out-of-band ones */
  inviteAsBefore(): Promise<Json>
  /** An invitation for any number of agents to be mediated for. @returns its URL */
  inviteToMediate(): Promise<string>
  /** Has the other side of a connection mediate. @returns what invitations name it by */
  mediatedBy(connectionId: string): Promise<string>
  /** @param didMethod the kind of DID that it requests with @returns the id of the connection */
  receive(invitation: object, didMethod?: string): Promise<string>
  /** Waits until a connection stands. */
  connected(connectionId: string): Promise<void>
  /** Waits for so many connections of an invitation to stand. @returns their ids */
  connectionsOf(invitation: { '@id': string }, count?: number): Promise<string[]>
  say(connectionId: string, content: string): Promise<void>
  /** Waits for a message, past or to come. */
  heard(connectionId: string, content: string): Promise<void>
  /** Pings, and waits for the answer. */
  ping(connectionId: string): Promise<void>
}

/** An agent that was started for the scenarios. */
export interface PeerAgent {
  /** A new wallet, or the only one. */
  wallet(): Promise<PeerWallet>
  /** One that can receive an invitation that another has received. */
  another(): Promise<PeerWallet>
  stop(): Promise<void>
}
