import { isOff } from '../../agent/features.js'
import type { WalletSettings } from '../../agent/ports.js'
import type { WalletAgent } from '../../agent/wallet-agent.js'
import type { Policies } from '../../tenants/policy.js'
import { settingsOf } from '../../tenants/settings.js'

/** Whether and for how much a wallet mediates. */
export interface MediatorRules {
  /** Whether it may mediate at all. */
  on: boolean
  /** Whether it is granted to agents that ask; those that it was granted to are served in any case. */
  grants: boolean
  agents: number
  /** For one agent. */
  keys: number
  messages: number
  bytes: number
  ageMs: number
}

/** What holds for a wallet, by its own choice and the operator's. */
export function mediatorRules(agent: WalletAgent, policies: Policies, baseMediates: boolean): MediatorRules {
  const settings = agent.isBase ? undefined : agent.owner.settings
  const policy = policies.of({ policy: settings?.policy ?? {} })
  return {
    on: !settings || !isOff(settings, 'MEDIATION'),
    grants: settings ? settingsOf(settings).mediates : baseMediates,
    agents: policy.mediationMaxAgents,
    keys: policy.mediationMaxKeys,
    messages: policy.mediationMaxMessages,
    bytes: policy.mediationMaxBytes,
    ageMs: policy.mediationMaxAge * 1000,
  }
}

/** Where peers reach a tenant: one that mediates also by WebSocket, which agents without an endpoint connect by. */
export const endpointsOf = (settings: WalletSettings, url: string): string[] =>
  waysTo(url, settingsOf(settings).mediates)

/** An endpoint, with the WebSocket that agents without one connect by where its wallet `mediates`. */
export const waysTo = (url: string, mediates: boolean): string[] =>
  mediates ? [url, url.replace(/^http/, 'ws')] : [url]
