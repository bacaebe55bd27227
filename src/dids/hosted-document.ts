import { badInput } from '../lib/errors.js'
import { checkText } from '../lib/text.js'
import type { ServiceInput } from './did.type.js'
import type { DidcommWay } from './didcomm-way.js'

export type Json = Record<string, unknown>

/** A service as a DID document has it. */
export interface Service {
  id: string
  type: string
  serviceEndpoint: unknown
}

const CONTEXT = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']
const FRAGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const SERVICES_MAX = 32
const ENDPOINT_MAX = 4096

/** Names the service by which others connect, which the gateway writes itself. */
const WAY = 'did-communication'

/**
 * The document of a hosted DID: an Ed25519 key, to prove who it is and to sign what it says, and where others can connect
 * by it, another that their messages are sealed for.
 */
export function documentOf(did: string, multikey: string, services: readonly Service[] = [], way?: DidcommWay): Json {
  const id = `${did}#${multikey}`
  const method = (key: string) => ({
    id: `${did}#${key}`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: key,
  })
  const all = way ? [...services, serviceFor(did, way)] : services
  return {
    '@context': CONTEXT,
    id: did,
    controller: did,
    verificationMethod: [multikey, ...(way ? [way.multikey] : [])].map(method),
    // Agents look here for the keys that a service names.
    authentication: [id, ...(way ? [`${did}#${way.multikey}`] : [])],
    assertionMethod: [id],
    ...(all.length > 0 ? { service: all } : {}),
  }
}

/** As Aries RFC 0067 has it. */
const serviceFor = (did: string, { multikey, endpoint, routingKeys }: DidcommWay) => ({
  id: `${did}#${WAY}`,
  type: 'did-communication',
  priority: 0,
  recipientKeys: [`${did}#${multikey}`],
  routingKeys,
  accept: ['didcomm/aip2;env=rfc19'],
  serviceEndpoint: endpoint,
})

/** What is left of the document of a DID that is deactivated. */
export const emptyDocument = (did: string): Json => ({ '@context': CONTEXT, id: did })

/** Those that were added to it. */
export const servicesOf = (document: Json) =>
  ((document['service'] ?? []) as Service[]).filter(({ id }) => !id.endsWith(`#${WAY}`))

/**
 * The services of a DID without those that are removed, and with those that are added.
 * @throws BAD_USER_INPUT for ids that are there already, or are not
 */
export function changedServices(
  did: string,
  services: readonly Service[],
  add: readonly ServiceInput[],
  remove: readonly string[],
): Service[] {
  const changed = new Map(services.map((service) => [service.id, service]))
  for (const id of remove) {
    if (!changed.delete(`${did}#${id}`)) throw badInput('There is no such service.', 'input.removeServices')
  }
  for (const { id, type, serviceEndpoint } of add) {
    const field = 'input.addServices'
    if (!FRAGMENT.test(id)) throw badInput('A service id has letters, digits, ".", "_" and "-".', `${field}.id`)
    if (id === WAY) throw badInput('This service is written by `didcomm`.', `${field}.id`)
    if (changed.has(`${did}#${id}`)) throw badInput('There is such a service already.', `${field}.id`)
    checkText(type, `${field}.type`)
    checkEndpoint(serviceEndpoint, `${field}.serviceEndpoint`)
    changed.set(`${did}#${id}`, { id: `${did}#${id}`, type, serviceEndpoint })
  }
  if (changed.size > SERVICES_MAX) {
    throw badInput(`A DID has at most ${SERVICES_MAX} services.`, 'input.addServices')
  }
  return [...changed.values()]
}

/** A URI, an object, or a list of these, as DID Core has it. */
function checkEndpoint(endpoint: unknown, field: string): void {
  const isPart = (part: unknown) =>
    typeof part === 'string' ? URL.canParse(part) : typeof part === 'object' && part !== null && !Array.isArray(part)
  const parts = Array.isArray(endpoint) ? endpoint : [endpoint]
  if (parts.length === 0 || !parts.every(isPart)) throw badInput('Give a URI, an object, or a list of these.', field)
  if (JSON.stringify(endpoint).length > ENDPOINT_MAX) {
    throw badInput(`It has at most ${ENDPOINT_MAX} characters.`, field)
  }
}
