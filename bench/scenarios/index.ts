import { besideCredentials, issueCredential, verifyProof } from './credentials.js'
import { fairness } from './fairness.js'
import { handshake } from './handshake.js'
import { inboundOneTenant, inboundSixteenTenants } from './inbound.js'
import { manyTenants } from './many-tenants.js'
import { message } from './message.js'
import type { Scenario } from './scenario.js'
import { soak } from './soak.js'
import { start } from './start.js'
import { eventFanOut, idleSubscriptions } from './streams.js'
import { createWallet, getToken, readConnections } from './tenants.js'

export const DEFAULT_SOAK = 100_000

/** All of them in the order they run; `soakMessages`: how long the soak is. */
export function allScenarios(soakMessages = DEFAULT_SOAK): Scenario[] {
  return [
    start,
    createWallet,
    getToken,
    readConnections,
    handshake,
    message,
    inboundOneTenant,
    inboundSixteenTenants,
    issueCredential,
    verifyProof,
    besideCredentials,
    eventFanOut,
    idleSubscriptions,
    fairness,
    manyTenants,
    soak(soakMessages),
  ]
}
