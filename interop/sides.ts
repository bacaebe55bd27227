import type { ApiClient, TestTenant } from '../test/support/client.js'
import type { PeerWallet } from './peer-wallet.js'

/** What a scenario has to work with. */
export interface Sides {
  /** A new tenant of the gateway. */
  tenant(): Promise<TestTenant>
  /** A new wallet of the other agent, or its only one. */
  wallet(): Promise<PeerWallet>
  /** One that can receive an invitation that another has received. */
  another(): Promise<PeerWallet>
  /** The gateway's operator. */
  operator: ApiClient
}
