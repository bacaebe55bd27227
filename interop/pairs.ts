import { AcapyAgent } from './acapy/agent.js'
import { readyAcapyPython } from './acapy/environment.js'
import { CredoAgent } from './credo/agent.js'
import { readyCredoPackages } from './credo/environment.js'
import { CREDO, OLDER_CREDO } from './credo/versions.js'
import type { PeerAgent } from './peer-wallet.js'

/** Agents that the gateway is tried with. */
export interface PeerKind {
  name: string
  /** @returns what starts one; undefined where it is not installed */
  find(): Promise<(() => Promise<PeerAgent>) | undefined>
}

const acapy =
  (multitenant: boolean, ...flags: string[]) =>
  async () => {
    const python = await readyAcapyPython()
    return python === undefined
      ? undefined
      : () => AcapyAgent.start({ python, multitenant, flags: [...flags, '--open-mediation'] })
  }

/** What sets them apart from each other is in docs/interop.md. */
export const PEERS: readonly PeerKind[] = [
  { name: 'ACA-Py, single agent', find: acapy(false) },
  {
    name: 'ACA-Py, multitenant agent',
    find: acapy(true, '--emit-new-didcomm-prefix', '--emit-new-didcomm-mime-type'),
  },
  { name: CREDO, find: async () => () => CredoAgent.start() },
  {
    name: OLDER_CREDO,
    async find() {
      const packages = await readyCredoPackages()
      return packages && (() => CredoAgent.start(packages))
    },
  },
]
