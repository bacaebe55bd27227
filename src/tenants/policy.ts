import { z } from 'zod'
import { FEATURES } from '../agent/features.js'
import { ConfigError } from '../config/config-error.js'
import { isGatewayError } from '../lib/errors.js'
import { type Chosen, mergeChoices, withDefaults } from './choices.js'

const DAY_S = 86_400

/** A number that bounds something; without one it is not bounded. */
const bound = (most: number, meaning: string) =>
  z.int().min(0).max(most).nullable().default(null).describe(`0 to ${most}: ${meaning}`)

const number = (least: number, most: number, standard: number, meaning: string) =>
  z.int().min(least).max(most).default(standard).describe(`${least} to ${most}: ${meaning}`)

/** What the operator allows a tenant. */
export const policySchema = z.strictObject({
  disabledFeatures: z
    .array(z.enum(FEATURES))
    .max(FEATURES.length)
    .default([])
    .describe(`A list of ${FEATURES.join(', ')}: what the tenant may not use.`),
  requestsPerMinute: bound(10_000_000, 'queries, mutations and subscriptions; beyond them RATE_LIMITED.'),
  mutationsPerMinute: bound(10_000_000, 'mutations; beyond them RATE_LIMITED.'),
  inboundPerMinute: bound(10_000_000, 'DIDComm messages that come in; beyond them senders get 429.'),
  maxConnections: bound(10_000_000, 'connections in the wallet; a new one is QUOTA_EXCEEDED.'),
  maxStorageBytes: bound(2 ** 50, 'bytes in the wallet; what would make it larger is QUOTA_EXCEEDED.'),
  maxSubscriptions: bound(1_000_000, 'open subscriptions; a new one is QUOTA_EXCEEDED.'),
  queueMaxMessages: number(0, 10_000_000, 100_000, 'messages that may wait while the tenant cannot take them.'),
  queueMaxBytes: number(0, 2 ** 40, 2 ** 28, 'bytes that may wait while the tenant cannot take them.'),
  queueMaxAge: number(
    60,
    365 * DAY_S,
    7 * DAY_S,
    'seconds; while the oldest message has waited longer, new ones get 429.',
  ),
  mediationMaxAgents: number(0, 1_000_000, 1000, 'agents that it may mediate for; another is denied.'),
  mediationMaxKeys: number(0, 1_000_000, 1000, 'keys of each of them; another is refused.'),
  mediationMaxMessages: number(0, 1_000_000, 1000, 'messages that may wait for each of them; more get 429.'),
  mediationMaxBytes: number(0, 2 ** 40, 2 ** 26, 'bytes that may wait for each of them; more get 429.'),
  mediationMaxAge: number(60, 365 * DAY_S, 7 * DAY_S, 'seconds; what has waited longer for one of them is dropped.'),
})

export type TenantPolicy = z.output<typeof policySchema>

/** What tenants are allowed, each by its own policy and by what stands for all of them. */
export class Policies {
  /** What is stored is never changed in place, so what follows from it stands as long as it does. */
  private readonly known = new WeakMap<Chosen, TenantPolicy>()

  private constructor(private readonly defaults: Chosen) {}

  /** @throws ConfigError where `defaults` are no policy */
  static create(defaults: Chosen): Policies {
    try {
      return new Policies(mergeChoices(policySchema, {}, defaults, 'policy'))
    } catch (error) {
      throw isGatewayError(error) ? new ConfigError('DEFAULT_POLICY', error.message) : error
    }
  }

  /** All of a tenant's policy, with the defaults of what the operator has not chosen for it. */
  of({ policy }: { policy: Chosen }): TenantPolicy {
    const known = this.known.get(policy) ?? withDefaults(policySchema, policy, this.defaults)
    this.known.set(policy, known)
    return known
  }
}
