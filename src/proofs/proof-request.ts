import { z } from 'zod'
import { badInput, conflict } from '../lib/errors.js'

const attributeName = z.string().min(1).max(255)

/** As in the AnonCreds specification, section "Create Presentation Request". Keys of restrictions are open there. */
const restrictions = z.array(z.record(z.string().max(300), z.string().max(2000))).max(100)
const seconds = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

/**
 * A time at which a credential must not be revoked: now where none is named. Of an interval it is the end, so that
 * one time is asked for twice (Aries RFC 0441): from an earlier beginning on, a holder could show a list from before the
 * revocation.
 */
const interval = z
  .strictObject({ from: seconds.optional(), to: seconds.optional() })
  .transform(({ from, to = Math.floor(Date.now() / 1000) }) => ({ from: from ?? to, to }))
  .refine(({ from, to }) => from <= to, 'needs a from that is not after its to')
  .transform(({ to }) => ({ from: to, to }))

const attribute = z
  .strictObject({
    name: attributeName.optional(),
    names: z.array(attributeName).min(1).max(100).optional(),
    restrictions: restrictions.optional(),
    non_revoked: interval.optional(),
  })
  .refine(({ name, names }) => (name === undefined) !== (names === undefined), 'needs name or names, one of them')
  .refine(
    ({ names, restrictions }) => names === undefined || (restrictions?.length ?? 0) > 0,
    'names needs restrictions',
  )

const predicate = z.strictObject({
  name: attributeName,
  p_type: z.enum(['>=', '>', '<=', '<']),
  p_value: z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1),
  restrictions: restrictions.optional(),
  non_revoked: interval.optional(),
})

const referents = <T extends z.ZodType>(value: T) => z.record(z.string().min(1).max(255), value)

const schema = z
  .strictObject({
    requested_attributes: referents(attribute).default({}),
    requested_predicates: referents(predicate).default({}),
    non_revoked: interval.optional(),
    // Gives way to the one beside the request.
    name: z.string().max(255).optional(),
    version: z.string().max(50).default('1.0'),
  })
  .refine(({ requested_attributes, requested_predicates }) => {
    const count = Object.keys(requested_attributes).length + Object.keys(requested_predicates).length
    return count > 0 && count <= 100
  }, 'must ask for 1 to 100 things')

export type ProofRequest = z.output<typeof schema>

/** Checks a presentation request. @throws BAD_USER_INPUT with the place at fault */
export function checkProofRequest(request: unknown, field: string): ProofRequest {
  const { success, data, error } = schema.safeParse(request)
  if (success) return data
  const [issue] = error.issues
  // A referent is the client's text, and is not repeated.
  const place = (issue?.path ?? []).filter((_, depth) => depth !== 1).join('.')
  throw badInput(`This is not a presentation request: ${place || 'it'} ${adviceOf(issue)}.`, field)
}

/** Takes what a prover has proposed as the request to ask. @throws CONFLICT where it is none */
export function checkProposedRequest(proposed: Record<string, unknown>): ProofRequest {
  const { requested_attributes, requested_predicates, non_revoked, version } = proposed
  const { success, data } = schema.safeParse({ requested_attributes, requested_predicates, non_revoked, version })
  if (success) return data
  throw conflict('What is proposed cannot be asked as it is. Give a request of your own, or decline it.')
}

/** A key that can be a name mistyped. What is longer may be a secret, and is not repeated. */
const WORD = /^\w{1,20}$/

function adviceOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'custom') return issue.message
  if (issue?.code !== 'unrecognized_keys') return 'does not fit'
  // One that is used twice would let a presentation be shown again.
  if (issue.path.length === 0 && issue.keys.includes('nonce')) return 'has a nonce, which the gateway makes for each'
  const key = issue.keys.find((name) => WORD.test(name))
  return key === undefined ? 'has an unknown key' : `has an unknown key: ${key}`
}
