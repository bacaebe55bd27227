import { badInput } from '../lib/errors.js'
import { checkText } from '../lib/text.js'
import type { ServiceInput } from './did.type.js'

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

/** The document of a hosted DID: one Ed25519 key, to prove who it is and to sign what it says. */
export function documentOf(did: string, multikey: string, services: readonly Service[] = []): Json {
  const id = `${did}#${multikey}`
  return {
    '@context': CONTEXT,
    id: did,
    controller: did,
    verificationMethod: [{ id, type: 'Multikey', controller: did, publicKeyMultibase: multikey }],
    authentication: [id],
    assertionMethod: [id],
    ...(services.length > 0 ? { service: services } : {}),
  }
}

/** What is left of the document of a DID that is deactivated. */
export const emptyDocument = (did: string): Json => ({ '@context': CONTEXT, id: did })

export const servicesOf = (document: Json) => (document['service'] ?? []) as Service[]

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
