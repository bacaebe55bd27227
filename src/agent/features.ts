/** What can be switched off for a tenant: refused in the API, and answered by a problem report on the wire. */
export const FEATURES = ['MESSAGES', 'CREDENTIALS', 'PROOFS', 'MEDIATION', 'HOSTED_DIDS', 'QUESTION_ANSWER'] as const
export type Feature = (typeof FEATURES)[number]

/** The protocols of a feature, by the name that their message types have between `didcomm.org/` and the version. */
const PROTOCOLS: Record<string, Feature> = {
  basicmessage: 'MESSAGES',
  'issue-credential': 'CREDENTIALS',
  revocation_notification: 'CREDENTIALS',
  'present-proof': 'PROOFS',
  'coordinate-mediation': 'MEDIATION',
  messagepickup: 'MEDIATION',
  questionanswer: 'QUESTION_ANSWER',
}

/** The feature that a message or protocol belongs to, by its type (Aries RFC 0003: prefix, protocol, version, name). */
export function featureOf(type: string): Feature | undefined {
  const protocol = /([^/]+)\/\d+\.\d+(?:\/[^/]+)?$/.exec(type)?.[1] ?? ''
  return Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined
}

/** Whether other agents are told that a tenant takes messages of a protocol. */
export function isDisclosed(
  { policy, settings }: { policy: Record<string, unknown>; settings: Record<string, unknown> },
  type: string,
): boolean {
  const feature = featureOf(type)
  // What there is of this feature is for agents that the tenant mediates for.
  return !feature || (!isOff({ policy }, feature) && (feature !== 'MEDIATION' || settings['mediates'] === true))
}

/** Whether a tenant's policy has a feature switched off. */
export function isOff({ policy }: { policy: Record<string, unknown> }, feature: Feature): boolean {
  const { disabledFeatures } = policy
  return Array.isArray(disabledFeatures) && disabledFeatures.includes(feature)
}
