import type { Json } from '../hosting/publication.js'
import { type DataIntegrityProof, isProofOf, proofFor, type Sign } from '../lib/data-integrity.js'
import { rateLimited } from '../lib/errors.js'
import { jsonHash, multihash } from '../lib/multibase.js'

/** An entry of the log of a did:webvh (version 1.0 of the method). */
export interface LogEntry {
  /** `<number>-<hash>`. */
  versionId: string
  versionTime: string
  parameters: LogParameters
  state: Json
  proof: DataIntegrityProof[]
}

export interface LogParameters {
  method?: string
  scid?: string
  updateKeys?: string[]
  nextKeyHashes?: string[]
  portable?: boolean
  deactivated?: boolean
  witness?: WitnessRule | null
}

/** Who has to approve entries, and how many of them: from the first entry on, else from the one after that names them. */
export interface WitnessRule {
  threshold?: number
  /** did:key. */
  witnesses?: { id: string }[]
}

/** What `did-witness.json` holds: approvals of versions, and so of all before them. */
export interface WitnessProof {
  versionId: string
  proof: DataIntegrityProof[]
}

/** An Ed25519 key that may write the next entry, as a Multikey. */
export interface UpdateKey {
  multikey: string
  sign: Sign
}

/** What a log says once all of it has been checked. */
export interface VerifiedLog {
  document: Json
  versionId: string
  created: string
  updated: string
  deactivated: boolean
}

/** Stands in a new log, and in the document given for it, where the SCID will be. */
export const SCID = '{SCID}'
const METHOD = 'did:webvh:1.0'
const SECOND_MS = 1000
/**
 * Times are whole seconds, each later than the one before, and none in the future: what is written says a little less
 * than now, so that several entries can be written in one second.
 */
const BEHIND_MS = 30 * SECOND_MS
/** Entries, or approvals, that are checked before others get their turn. */
const AT_ONCE = 16
/** Proofs of one entry: each is of the whole of it. Signers need one. */
const PROOFS_MAX = 8
/** Keys, hashes and witnesses that one entry names: each is looked for among the others. */
const NAMED_MAX = 100

/** What `nextKeyHashes` has of a key that may write the entry after the next. */
export const keyHash = (multikey: string) => multihash(multikey)

/** Begins a log. `document` is that of the DID, with {@link SCID} in all its ids. */
export async function beginLog(
  document: Json,
  key: UpdateKey,
  nextKeyHash: string,
  witness?: WitnessRule,
): Promise<LogEntry[]> {
  const parameters = {
    method: METHOD,
    scid: SCID,
    updateKeys: [key.multikey],
    nextKeyHashes: [nextKeyHash],
    portable: false,
    deactivated: false,
    ...(witness && { witness }),
  }
  const draft = { versionId: SCID, versionTime: timeAfter(undefined), parameters, state: document }
  const scid = jsonHash(draft)
  return [await signed(JSON.parse(JSON.stringify(draft).replaceAll(SCID, scid)) as Draft, 1, key)]
}

/**
 * The log with one more entry. `key` has been promised by the entry before.
 * @throws RATE_LIMITED after many entries in a row, each of which takes a second of its own
 */
export async function appendEntry(
  log: LogEntry[],
  state: Json,
  parameters: LogParameters,
  key: UpdateKey,
): Promise<LogEntry[]> {
  const last = log.at(-1) as LogEntry
  const draft = { versionId: last.versionId, versionTime: timeAfter(last.versionTime), parameters, state }
  return [...log, await signed(draft, log.length + 1, key)]
}

/** Who has to approve the next entry of a log. */
export function witnessesOf(log: LogEntry[]): WitnessRule | undefined {
  return ruleOf(log.findLast(({ parameters }) => parameters.witness != null)?.parameters.witness)
}

/** A witness, by its did:key, approves a version, and all before it. */
export function approvalOf(versionId: string, { multikey, sign }: UpdateKey): Promise<DataIntegrityProof> {
  const verificationMethod = `did:key:${multikey}#${multikey}`
  return proofFor({ versionId }, { verificationMethod, proofPurpose: 'assertionMethod' }, sign)
}

type Draft = Omit<LogEntry, 'proof'>

async function signed(draft: Draft, version: number, key: UpdateKey): Promise<LogEntry> {
  const entry = { ...draft, versionId: `${version}-${jsonHash(draft)}` }
  const verificationMethod = `did:key:${key.multikey}#${key.multikey}`
  const options = { verificationMethod, created: draft.versionTime, proofPurpose: 'assertionMethod' }
  return { ...entry, proof: [await proofFor(entry, options, key.sign)] }
}

function timeAfter(before: string | undefined): string {
  const time = Math.max(Date.now() - BEHIND_MS, before === undefined ? 0 : Date.parse(before) + SECOND_MS)
  if (time > Date.now()) throw rateLimited(1)
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** A log that is not what its DID, its hashes or its keys say. */
export class InvalidLog extends Error {}

function must(holds: boolean, why: string): asserts holds {
  if (!holds) throw new InvalidLog(why)
}

/**
 * Checks a whole log, entry by entry, and that it is the log of `did`. Stricter than didwebvh-ts, which takes entries
 * without any proof and leaves out some in the middle.
 * @throws InvalidLog, or whatever a log of the wrong shape leads to
 */
export async function verifyLog(log: LogEntry[], did: string, witnessed: WitnessProof[] = []): Promise<VerifiedLog> {
  const [first] = log
  must(first?.parameters.method === METHOD, 'not version 1.0')
  const scid = did.split(':')[2] ?? ''
  must(scid.length > 40 && first.parameters.scid === scid, 'another SCID')
  let active: LogParameters = {}
  const rules: (WitnessRule | undefined)[] = []
  for (const [index, entry] of log.entries()) {
    const { proof, ...draft } = entry
    const { parameters } = entry
    must(!active.deactivated, 'goes on after its end')
    for (const named of [parameters.updateKeys, parameters.nextKeyHashes, parameters.witness?.witnesses])
      must((named?.length ?? 0) <= NAMED_MAX, 'names too many')
    must(index === 0 || parameters.scid === undefined || parameters.scid === scid, 'changes its SCID')
    must(parameters.method === undefined || parameters.method === METHOD, 'changes its method')
    const previous = index === 0 ? scid : (log[index - 1] as LogEntry).versionId
    must(entry.versionId === `${index + 1}-${jsonHash({ ...draft, versionId: previous })}`, 'broken chain of hashes')
    if (index === 0) must(jsonHash(withoutScid(draft, scid)) === scid, 'the SCID is not of this log')
    const time = Date.parse(entry.versionTime)
    must(time >= (index === 0 ? 0 : Date.parse((log[index - 1] as LogEntry).versionTime)), 'goes back in time')
    const promised = active.nextKeyHashes ?? []
    const keys = (index === 0 || promised.length > 0 ? parameters.updateKeys : active.updateKeys) ?? []
    if (promised.length > 0)
      must(
        keys.every((key) => promised.includes(keyHash(key))),
        'a key that was not promised',
      )
    must(Array.isArray(proof) && proof.length > 0, 'no proof')
    must(proof.length <= PROOFS_MAX, 'too many proofs')
    must(
      proof.every((one) => keys.includes(didKeyOf(one)) && isProofOf({ ...draft }, one, didKeyOf(one))),
      'a proof that does not hold',
    )
    must(first.parameters.portable === true || entry.state['id'] === first.state['id'], 'moves without being portable')
    rules.push(ruleOf(active.witness) ?? ruleOf(parameters.witness))
    active = { ...active, nextKeyHashes: [], ...defined(parameters) }
    if (index % AT_ONCE === AT_ONCE - 1) await othersTurn()
  }
  const last = log.at(-1) as LogEntry
  must(last.state['id'] === did, 'the log of another DID')
  await assertWitnessed(log, rules, witnessed)
  return {
    document: last.state,
    versionId: last.versionId,
    created: first.versionTime,
    updated: last.versionTime,
    deactivated: active.deactivated === true,
  }
}

/** The first entry as it was before it had its SCID. */
function withoutScid(draft: Draft, scid: string): unknown {
  return { ...(JSON.parse(JSON.stringify(draft).replaceAll(scid, SCID)) as Draft), versionId: SCID }
}

const didKeyOf = ({ verificationMethod }: DataIntegrityProof) =>
  /^did:key:(z[1-9A-HJ-NP-Za-km-z]+)(?:#\1)?$/.exec(verificationMethod)?.[1] ?? ''

const defined = (parameters: LogParameters): LogParameters =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null))

const othersTurn = () => new Promise(setImmediate)

const ruleOf = (rule: WitnessRule | null | undefined) => (rule?.witnesses?.length ? rule : undefined)

/** A proof of a version by a witness approves all entries up to it. */
async function assertWitnessed(
  log: LogEntry[],
  rules: (WitnessRule | undefined)[],
  witnessed: WitnessProof[],
): Promise<void> {
  const versions = new Map(log.map(({ versionId }, index) => [versionId, index]))
  const approvals = new Map<string, number>()
  let checked = 0
  for (const { versionId, proof } of witnessed) {
    const index = versions.get(versionId)
    if (index === undefined) continue
    for (const one of proof) {
      const witness = `did:key:${didKeyOf(one)}`
      // It says no more than what is known.
      if ((approvals.get(witness) ?? -1) >= index) continue
      if (isProofOf({ versionId }, one, didKeyOf(one))) approvals.set(witness, index)
      checked += 1
      if (checked % AT_ONCE === 0) await othersTurn()
    }
  }
  for (const [index, rule] of rules.entries()) {
    if (!rule) continue
    const ids = new Set(rule.witnesses?.map(({ id }) => id))
    const approved = [...ids].filter((id) => (approvals.get(id) ?? -1) >= index).length
    must(approved >= Math.max(1, Number(rule.threshold)), 'too few witnesses')
  }
}
