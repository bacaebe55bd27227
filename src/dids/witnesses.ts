import { DidRepository, Kms } from '@credo-ts/core'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { approvalOf, type LogEntry, type WitnessProof, type WitnessRule } from '../agent/webvh-log.js'
import { badInput } from '../lib/errors.js'
import { keyOfMultikey } from '../lib/multibase.js'

const WITNESSES_MAX = 16
const DID_KEY = 'did:key:'

/**
 * The rule that a caller gives as `{witnesses, threshold}`, as a log has it: `{}` where there are to be none.
 * @throws BAD_USER_INPUT
 */
export function ruleIn(given: unknown, field: string): WitnessRule {
  const must = (holds: boolean, what: string) => {
    if (!holds) throw badInput(what, field)
  }
  must(typeof given === 'object' && given !== null, 'Give witnesses, and a threshold.')
  const { witnesses, threshold: atLeast, ...rest } = given as Record<string, unknown>
  must(Object.keys(rest).length === 0, 'Give witnesses, and a threshold.')
  must(
    Array.isArray(witnesses) && witnesses.length <= WITNESSES_MAX && witnesses.every(isKey),
    `Witnesses are at most ${WITNESSES_MAX} DIDs, each a did:key of an Ed25519 key.`,
  )
  const ids = witnesses as string[]
  must(new Set(ids).size === ids.length, 'Each witness is named once.')
  const threshold = atLeast ?? ids.length
  if (ids.length === 0 && threshold === 0) return {}
  must(
    Number.isInteger(threshold) && Number(threshold) >= 1 && Number(threshold) <= ids.length,
    'The threshold is at least 1, and at most the number of witnesses.',
  )
  return { threshold: Number(threshold), witnesses: ids.map((id) => ({ id })) }
}

function isKey(did: unknown): boolean {
  try {
    return typeof did === 'string' && did.startsWith(DID_KEY) && keyOfMultikey(did.slice(DID_KEY.length)).length === 32
  } catch {
    return false
  }
}

/**
 * Has all witnesses of a rule approve the last entry of a log, and with it all before.
 * @param before approvals of earlier versions; of each witness the last one counts
 * @throws BAD_USER_INPUT for a witness that is none of the wallet's DIDs
 */
export async function approved(
  agent: WalletAgent,
  log: LogEntry[],
  rule: WitnessRule | undefined,
  before: WitnessProof[] = [],
): Promise<WitnessProof[] | undefined> {
  const ids = rule?.witnesses?.map(({ id }) => id) ?? []
  if (ids.length === 0) return before.length > 0 ? before : undefined
  const { versionId } = log.at(-1) as LogEntry
  const proof = await Promise.all(ids.map((id) => approval(agent, versionId, id)))
  const methods = new Set(proof.map(({ verificationMethod }) => verificationMethod))
  const others = before
    .map((one) => ({ ...one, proof: one.proof.filter(({ verificationMethod }) => !methods.has(verificationMethod)) }))
    .filter((one) => one.proof.length > 0)
  return [...others, { versionId, proof }]
}

async function approval({ context }: WalletAgent, versionId: string, did: string) {
  const record = await context.resolve(DidRepository).findCreatedDid(context, did)
  const keyId = record?.keys?.[0]?.kmsKeyId
  if (keyId === undefined) throw badInput('Each witness is a did:key of this wallet.')
  const kms = context.resolve(Kms.KeyManagementApi)
  return approvalOf(versionId, {
    multikey: did.slice(DID_KEY.length),
    sign: async (data) => (await kms.sign({ keyId, algorithm: 'EdDSA', data: Uint8Array.from(data) })).signature,
  })
}
