import { unpack } from '../../lib/msgpack.js'
import { ATTRIBUTES_MAX } from '../calls.js'
import { INPUT, NativeError } from '../errors.js'
import type { ObjectType } from './objects.js'

/** The longest number as text: the largest of AnonCreds have some 3,100 bits. */
const DIGITS_MAX = 1024
/** The longest number as bytes. */
const BYTES_MAX = 512
/** The most objects of one kind in a call, such as credentials that are presented together. */
export const OBJECTS_MAX = 50
/** A schema's attributes, and the link secret. */
const SIGNED_MAX = ATTRIBUTES_MAX + 1
/** The most entries of what the library computes with one by one, by name. */
const COUNTS = new Map(
  Object.entries({
    attrNames: ATTRIBUTES_MAX,
    r: SIGNED_MAX,
    xr_cap: SIGNED_MAX,
    m: SIGNED_MAX,
    m_caps: SIGNED_MAX,
    r_caps: SIGNED_MAX,
    hidden_attributes: SIGNED_MAX,
    values: SIGNED_MAX,
    requested_attributes: 500,
    requested_predicates: 100,
    predicates: 100,
    ge_proofs: 100,
    proofs: OBJECTS_MAX,
    identifiers: OBJECTS_MAX,
    verifiableCredential: OBJECTS_MAX,
  }),
)
const COUNT_MAX = 2000
/** The largest registry whose lists are read here. */
const LIST_MAX = 2 ** 20

/** What is only told, so not computed with, may be long: by the path to it. */
const TOLD: Partial<Record<ObjectType, RegExp>> = {
  schema: /^\/(name|attrNames)/,
  credential: /^\/values\/.*\/raw$/s,
  presentation: /^\/requested_proof\/(self_attested_attrs\/|.*\/raw$)/s,
  presentation_request: /^(?!\/nonce$)/,
  revocation_registry_definition: /^\/value\/tailsLocation$/,
}

type Json = Record<string, unknown>

/** What is to be looked through of an object, where that is not the object itself. */
const IN: Partial<Record<ObjectType, (value: Json) => unknown>> = {
  w3c_credential: packedIn,
  w3c_presentation: packedIn,
  revocation_status_list({ revocationList, ...rest }) {
    if (Array.isArray(revocationList) && revocationList.length > LIST_MAX) refuse('A status list is too long')
    return rest
  },
}

/**
 * Looks through what the library is to read. It takes numbers of any length and as many as there are, and computes with
 * them for hours; whoever publishes a definition or sends a proof chooses them.
 * @throws NativeError
 */
export function assertBounded(type: ObjectType, value: unknown): void {
  look(IN[type]?.(value as Json) ?? value, '', TOLD[type])
}

function look(value: unknown, path: string, told: RegExp | undefined): void {
  if (typeof value === 'string' && value.length > DIGITS_MAX && !told?.test(path)) refuse('A number is too long')
  if (typeof value !== 'object' || value === null) return
  if (value instanceof Uint8Array || isBytes(value)) {
    if (value.length > BYTES_MAX) refuse('A number is too long')
    return
  }
  const entries = Object.entries(value)
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (entries.length > (COUNTS.get(name) ?? COUNT_MAX)) refuse('There are too many of something')
  for (const [key, item] of entries) look(item, `${path}/${key}`, told)
}

const isBytes = (value: object): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')

/** The numbers of the W3C form, which lie packed in its proofs. */
function packedIn({ proof, verifiableCredential }: Json): unknown {
  const proofsOf = (of: unknown) => [(of as Json | null | undefined)?.['proof']].flat().map(unpacked)
  return { verifiableCredential: [verifiableCredential].flat().map(proofsOf), proof: proofsOf({ proof }) }
}

function unpacked(proof: unknown): unknown {
  const { proofValue } = (proof ?? {}) as Json
  // The library does not look at the suite that a proof names.
  if (typeof proofValue !== 'string' || proofValue[0] !== 'u') return undefined
  const bytes = Buffer.from(proofValue.slice(1), 'base64url')
  if (!mayHaveNumbers(bytes)) return undefined
  try {
    return unpack(bytes)
  } catch {
    return refuse('A proof is not packed as it has to be')
  }
}

/** Whether a list or map begins there. The library takes no other for a proof, such as what other suites have packed (CBOR). */
function mayHaveNumbers([type = 0]: Uint8Array): boolean {
  return (type >= 0x80 && type < 0xa0) || (type >= 0xdc && type <= 0xdf)
}

function refuse(why: string): never {
  throw new NativeError(INPUT, why)
}
