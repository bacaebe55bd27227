import { z } from 'zod'
import { sha256 } from '../../lib/ids.js'
import { unpack } from '../../lib/msgpack.js'
import { common } from './answered-request.js'

/** A large number, as the library packs it: its bytes, the first of most weight. */
const large = z
  .union([z.array(z.int().min(0).max(255)), z.instanceof(Uint8Array)])
  .transform((bytes) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`))

const packedProof = z.tuple([
  z.literal(2),
  z.object({
    schema_id: z.string(),
    cred_def_id: z.string(),
    rev_reg_id: z.string().nullish(),
    timestamp: z.int().nullish(),
    sub_proof: z.object({
      primary_proof: z.object({
        eq_proof: z.object({ revealed_attrs: z.record(z.string(), large) }),
        ge_proofs: z.array(
          z.object({ predicate: z.object({ attr_name: z.string(), p_type: z.string(), value: z.number() }) }),
        ),
      }),
      non_revoc_proof: z.unknown(),
    }),
  }),
])

const shownCredential = z.object({
  issuer: z.string(),
  credentialSubject: z.record(z.string(), z.unknown()),
  proof: z.object({
    cryptosuite: z.literal('anoncreds-2023'),
    verificationMethod: z.string(),
    proofValue: z.string().regex(/^u[A-Za-z0-9_-]+$/),
  }),
})

/** A credential of a presentation in the W3C form: what it says, and what of it is proved. */
export interface ShownCredential {
  issuer: string
  subject: Record<string, unknown>
  /** By the names that the AnonCreds form has for them. */
  identifier: { schema_id: string; cred_def_id: string; rev_reg_id?: string; timestamp?: number }
  subProof: z.output<typeof packedProof>[1]['sub_proof']
}

/** Reads a credential of a presentation. @returns undefined where it is none of AnonCreds, or names two definitions */
export function readShown(credential: unknown): ShownCredential | undefined {
  const { success, data } = shownCredential.safeParse(credential)
  if (!success) return undefined
  const { issuer, credentialSubject, proof } = data
  const packed = packedProof.safeParse(unpacked(proof.proofValue))
  if (!packed.success) return undefined
  const { schema_id, cred_def_id, rev_reg_id, timestamp, sub_proof } = packed.data[1]
  if (cred_def_id !== proof.verificationMethod) return undefined
  return {
    issuer,
    subject: credentialSubject,
    identifier: {
      schema_id,
      cred_def_id,
      ...(rev_reg_id != null && { rev_reg_id }),
      ...(timestamp != null && { timestamp }),
    },
    subProof: sub_proof,
  }
}

/**
 * A value that a credential says, as text, if it is proved. The library does not check that: where what is written
 * beside a proof is not what it reveals, it takes the value as one that is not told, and verifies.
 */
export function provedValue({ subject, subProof }: ShownCredential, name: string): string | undefined {
  const value = Object.hasOwn(subject, name) ? subject[name] : undefined
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const revealed = Object.entries(subProof.primary_proof.eq_proof.revealed_attrs).filter(
    ([attribute]) => common(attribute) === common(name),
  )
  return revealed.length === 1 && revealed[0]?.[1] === encoded(`${value}`) ? `${value}` : undefined
}

/** As AnonCreds signs a value: a number of 32 bits as it is, all else by its digest. */
function encoded(value: string): bigint {
  const number = /^[+-]?\d{1,20}$/.test(value) ? BigInt(value.replace(/^\+/, '')) : undefined
  if (number !== undefined && BigInt.asIntN(32, number) === number) return number
  return BigInt(`0x${sha256(value).toString('hex')}`)
}

function unpacked(multibase: string): unknown {
  try {
    return unpack(Buffer.from(multibase.slice(1), 'base64url'))
  } catch {
    return undefined
  }
}
