import { ApiClient, type TestTenant } from '../test/support/client.js'
import type { AcapyAgent, AcapyWallet } from './acapy/agent.js'

/** What a scenario has to work with. */
export interface Sides {
  /** A new tenant of the gateway. */
  tenant(): Promise<TestTenant>
  /** A new wallet of the other agent, or its only one. */
  wallet(): Promise<AcapyWallet>
  /** The gateway's operator. */
  operator: ApiClient
}

/** Agents that the gateway is tried with. */
export interface PeerKind {
  name: string
  /** What sets it apart from others, as the matrix says it. */
  about: string
  multitenant: boolean
  flags: string[]
}

export const PEERS: readonly PeerKind[] = [
  {
    name: 'ACA-Py, single agent',
    about: 'as it is by default: message types by the old prefix, envelopes as `application/ssi-agent-wire`',
    multitenant: false,
    flags: ['--open-mediation'],
  },
  {
    name: 'ACA-Py, multitenant agent',
    about: 'a subwallet (`askar-profile`), with `--emit-new-didcomm-prefix` and `--emit-new-didcomm-mime-type`',
    multitenant: true,
    flags: ['--emit-new-didcomm-prefix', '--emit-new-didcomm-mime-type', '--open-mediation'],
  },
]

export const sidesOf = (kind: PeerKind, agent: AcapyAgent, tenant: () => Promise<TestTenant>, url: string): Sides => ({
  tenant,
  operator: ApiClient.operator(url),
  wallet: () => agent.wallet(kind.multitenant),
})
