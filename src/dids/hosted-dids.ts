import { randomBytes } from 'node:crypto'
import { DidDocument, DidDocumentRole, DidRecord, DidRepository, JsonTransformer, Kms } from '@credo-ts/core'
import { signAgain } from '../agent/attested-resource.js'
import { MADE } from '../agent/made-did.js'
import type { AgentPorts } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import {
  appendEntry,
  beginLog,
  keyHash,
  type LogEntry,
  SCID,
  type UpdateKey,
  type WitnessProof,
  type WitnessRule,
  witnessesOf,
} from '../agent/webvh-log.js'
import { isPath } from '../hosting/address.js'
import { type Hosting, pathTaken } from '../hosting/hosting.js'
import { HOSTED, type Publication, type SignedResource } from '../hosting/publication.js'
import { badInput, conflict, isGatewayError, notFound } from '../lib/errors.js'
import { multikeyOf } from '../lib/multibase.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn } from '../tenants/wallet-reader.js'
import type { DidType, UpdateDidInput } from './did.type.js'
import { didView, type Made } from './did.view.js'
import { type DidcommWay, newWay, removeWay } from './didcomm-way.js'
import { changedServices, documentOf, emptyDocument, type Json, servicesOf } from './hosted-document.js'
import { approved, ruleIn } from './witnesses.js'

export type HostedMethod = 'web' | 'webvh'

const TYPE = 'DidRecord'
/** Where Credo keeps the log of a did:webvh. */
const LOG = 'log'
/** DIDs whose last change is in the wallet, but not published yet. */
const UNPUBLISHED = '_unpublished'
const ED25519 = { kty: 'OKP', crv: 'Ed25519' } as const
/** Resolvers read no longer logs than 1 MiB (characters); what is left is for its end. */
const LOG_MAX = 1_000_000
/** Resources that are signed before others get their turn. */
const AT_ONCE = 8

/** What the wallet has to know of a DID that it has the gateway host. */
interface Hosted {
  version: number
  signingKey: string
  /** did:webvh: the key that wrote the last entry, and the one that is promised for the next. */
  updateKey?: string
  nextKey?: string
  /** Where others can connect by it. */
  way?: DidcommWay
  /** did:webvh: the last approval of each of its witnesses. */
  witnessed?: WitnessProof[]
}

interface NewKey {
  keyId: string
  multikey: string
}

/** DIDs of tenants' wallets that the gateway hosts itself. */
export class HostedDids {
  private readonly pending = new Set<string>()

  constructor(
    private readonly sessions: Pick<Sessions, 'transact'>,
    private readonly hosting: Hosting,
    private readonly ports: AgentPorts,
    /** Notes that a tenant has something left to do. */
    private readonly mark: (tenantId: string) => Promise<void>,
  ) {}

  /** @throws BAD_USER_INPUT for a path that cannot be one, CONFLICT for one that is taken */
  create(tenantId: string, method: HostedMethod, options: Record<string, unknown> | null | undefined) {
    const { path, didcomm, witness } = this.readOptions(options)
    const rule = witness == null ? undefined : ruleIn(witness, 'input.options.witness')
    if (rule && method === 'web') throw notWitnessed('input.options.witness')
    const base = `${this.hosting.didBase}:${path.replaceAll('/', ':')}`
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const replaces = await this.leftAt(path, tenantId, agent)
      const way = didcomm ? await newWay(agent) : undefined
      const made =
        method === 'web' ? await newWeb(agent, `did:web:${base}`, way) : await newWebvh(agent, base, way, rule)
      this.ports.publish(unit, { ...publicationOf(made), replaces })
      await agent.context.resolve(DidRepository).save(agent.context, made)
      return didView(await recordIn(unit, TYPE, made.id, 'DID'))
    })
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  async update(tenantId: string, input: UpdateDidInput): Promise<DidType> {
    const add = input.addServices ?? []
    const remove = input.removeServices ?? []
    const { rotateKeys, didcomm } = input
    const rule = input.witness ? ruleIn(input.witness, 'input.witness') : undefined
    if (!rotateKeys && didcomm == null && !rule && add.length + remove.length === 0)
      throw badInput('Say what is to change.', 'input')
    return this.change(tenantId, input.did, async (agent, record) => {
      if (rule && !logOf(record)) throw notWitnessed('input.witness')
      const { signingKey, way: old } = hostedOf(record)
      const way = didcomm == null ? old : didcomm ? await newWay(agent) : undefined
      record.metadata.set(HOSTED, { ...hostedOf(record), way })
      const services = changedServices(record.did, servicesOf(madeOf(record).document ?? {}), add, remove)
      const key = rotateKeys ? await newKey(agent) : await keyOf(agent, signingKey)
      const document = documentOf(record.did, key.multikey, services, way)
      await writeNext(agent, record, document, rule)
      // Those who are named approve from the next version on, and some resolvers want the last one approved by them.
      if (rule) await writeNext(agent, record, document)
      if (rotateKeys) await removeKey(agent, signingKey)
      if (old && didcomm != null) await removeWay(agent, old)
      setKeys(record, key)
      setMade(record, { document, updatedAt: new Date().toISOString() })
    })
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  async deactivate(tenantId: string, did: string): Promise<DidType> {
    return this.change(tenantId, did, async (agent, record) => {
      await writeEnd(agent, record)
      const { signingKey, updateKey, nextKey, way } = hostedOf(record)
      for (const keyId of [signingKey, updateKey, nextKey]) if (keyId) await removeKey(agent, keyId)
      if (way) await removeWay(agent, way)
      record.keys = []
      const now = new Date().toISOString()
      setMade(record, { document: null, updatedAt: now, deactivatedAt: now })
    })
  }

  /**
   * Publishes what the wallet has changed of its DIDs. The wallet comes first: what was published and is then lost would
   * be a version of a DID whose keys nobody has.
   */
  async finish(tenantId: string): Promise<void> {
    this.pending.add(tenantId)
    try {
      await this.sessions.transact(tenantId, async (agent, unit) => {
        for (const { name: did } of await unit.query(UNPUBLISHED, {})) {
          const record = await agent.context.resolve(DidRepository).findCreatedDid(agent.context, did)
          if (record) this.ports.publish(unit, { ...publicationOf(record), resources: await this.sign(agent, record) })
          await unit.remove(UNPUBLISHED, did)
        }
      })
    } catch (error) {
      // A wallet that cannot be used now is gone on with as soon as it can.
      if (isGatewayError(error)) this.pending.delete(tenantId)
      throw error
    }
    this.pending.delete(tenantId)
  }

  /** Tries again what could not be published. */
  async finishAll(): Promise<void> {
    for (const tenantId of this.pending) await this.finish(tenantId)
  }

  isPending(tenantId: string): boolean {
    return this.pending.has(tenantId)
  }

  private async change(
    tenantId: string,
    did: string,
    fn: (agent: WalletAgent, record: DidRecord) => Promise<void>,
  ): Promise<DidType> {
    const changed = await this.sessions.transact(tenantId, async (agent, unit) => {
      const repository = agent.context.resolve(DidRepository)
      const known = await repository.findCreatedDid(agent.context, did)
      if (!known?.metadata.get(MADE)) throw notFound('DID')
      if (!known.metadata.get(HOSTED)) throw badInput('Only DIDs that are hosted here can be changed.')
      if (madeOf(known).deactivatedAt !== undefined) throw conflict('This DID is deactivated.')
      if (this.hosting.pathOf(did) === undefined) throw conflict('This DID was made under another PUBLIC_URL.')
      // What is read is shared.
      const record = known.clone()
      await fn(agent, record)
      await repository.update(agent.context, record)
      await note(unit, did)
      unit.add(this.noted, did)
      return didView(await recordIn(unit, TYPE, record.id, 'DID'))
    })
    await this.finish(tenantId)
    return changed
  }

  /** Whoever finds the tenant after a crash goes on with it. */
  private readonly noted: Collector<string> = { prepare: (_dids, tenantId) => this.mark(tenantId) }

  private async sign(agent: WalletAgent, record: DidRecord): Promise<SignedResource[]> {
    if (madeOf(record).deactivatedAt !== undefined || !record.metadata.get(LOG)) return []
    const signed: SignedResource[] = []
    for (const { body } of await this.hosting.resources(this.hosting.pathOf(record.did) ?? '')) {
      signed.push(await signAgain(agent.context, record.did, body))
      if (signed.length % AT_ONCE === 0) await new Promise(setImmediate)
    }
    return signed
  }

  private readOptions(options: Record<string, unknown> | null | undefined) {
    const { path = randomBytes(8).toString('hex'), didcomm = false, witness, ...rest } = options ?? {}
    const [unknown] = Object.keys(rest)
    if (unknown) throw badInput('There is no such option.', 'input.options')
    if (typeof didcomm !== 'boolean') throw badInput('Write true or false.', 'input.options.didcomm')
    if (typeof path !== 'string' || !isPath(path) || this.hosting.isReserved(path)) {
      throw badInput(
        'A path has 1 to 4 parts of lower-case letters, digits, ".", "_" and "-", and begins with none of the ' +
          "gateway's own.",
        'input.options.path',
      )
    }
    return { path, didcomm, witness }
  }

  /** The DID that an attempt of this tenant, which came to nothing, has left at a path. @throws CONFLICT */
  private async leftAt(path: string, tenantId: string, agent: WalletAgent): Promise<string | undefined> {
    const stored = await this.hosting.at(path)
    if (!stored) return undefined
    if (stored.tenantId !== tenantId) throw pathTaken()
    const record = await agent.context.resolve(DidRepository).findCreatedDid(agent.context, stored.did)
    if (record) throw pathTaken()
    return stored.did
  }
}

async function note(unit: Unit, did: string): Promise<void> {
  const entry = { category: UNPUBLISHED, name: did, value: JSON.stringify(did), tags: {} }
  if (!(await unit.replace(entry))) unit.insert(entry)
}

async function newWeb(agent: WalletAgent, did: string, way?: DidcommWay): Promise<DidRecord> {
  const key = await newKey(agent)
  const record = newRecord(did, { version: 1, signingKey: key.keyId, ...(way && { way }) })
  setKeys(record, key)
  setMade(record, { document: documentOf(did, key.multikey, [], way) })
  return record
}

async function newWebvh(agent: WalletAgent, base: string, way?: DidcommWay, rule?: WitnessRule): Promise<DidRecord> {
  const [key, first, next] = [await newKey(agent), await newKey(agent), await newKey(agent)]
  const log = await beginLog(
    documentOf(`did:webvh:${SCID}:${base}`, key.multikey, [], way),
    updateKeyOf(agent, first),
    keyHash(next.multikey),
    rule,
  )
  const document = (log[0] as LogEntry).state
  const record = newRecord(String(document['id']), {
    version: 1,
    signingKey: key.keyId,
    updateKey: first.keyId,
    nextKey: next.keyId,
    ...(way && { way }),
    witnessed: await approved(agent, log, rule),
  })
  record.metadata.set(LOG, log as unknown as Record<string, unknown>)
  setKeys(record, key)
  setMade(record, { document })
  return record
}

function newRecord(did: string, hosted: Hosted): DidRecord {
  const record = new DidRecord({ did, role: DidDocumentRole.Created })
  record.metadata.set(HOSTED, hosted)
  return record
}

/** Writes the next version of a DID. A key that was promised writes it, and promises the one after. */
async function writeNext(agent: WalletAgent, record: DidRecord, document: Json, rule?: WitnessRule): Promise<void> {
  const hosted = hostedOf(record)
  const log = logOf(record)
  if (!log || !hosted.nextKey) return record.metadata.set(HOSTED, { ...hosted, version: hosted.version + 1 })
  const [key, next] = [await keyOf(agent, hosted.nextKey), await newKey(agent)]
  const parameters = {
    updateKeys: [key.multikey],
    nextKeyHashes: [keyHash(next.multikey)],
    ...(rule && { witness: rule }),
  }
  const grown = await appendEntry(log, document, parameters, updateKeyOf(agent, key))
  if (JSON.stringify(grown).length > LOG_MAX) throw conflict('The log of this DID is full. Make another DID.')
  if (hosted.updateKey) await removeKey(agent, hosted.updateKey)
  const witnessed = await approved(agent, grown, witnessesOf(log), hosted.witnessed)
  setLog(record, grown, { ...hosted, updateKey: key.keyId, nextKey: next.keyId, witnessed })
}

/** Writes the last versions of a DID: no key is promised any more, then it is at its end. */
async function writeEnd(agent: WalletAgent, record: DidRecord): Promise<void> {
  const hosted = hostedOf(record)
  const log = logOf(record)
  if (!log || !hosted.nextKey) return record.metadata.set(HOSTED, { ...hosted, version: hosted.version + 1 })
  const key = await keyOf(agent, hosted.nextKey)
  const sign = updateKeyOf(agent, key)
  const state = (log.at(-1) as LogEntry).state
  const free = await appendEntry(log, state, { updateKeys: [key.multikey], nextKeyHashes: [] }, sign)
  const ended = await appendEntry(free, emptyDocument(record.did), { updateKeys: [], deactivated: true }, sign)
  setLog(record, ended, { ...hosted, witnessed: await approved(agent, ended, witnessesOf(log), hosted.witnessed) })
}

function setLog(record: DidRecord, log: LogEntry[], hosted: Hosted): void {
  record.metadata.set(LOG, log as unknown as Record<string, unknown>)
  record.metadata.set(HOSTED, { ...hosted, version: log.length })
}

function setKeys(record: DidRecord, { keyId, multikey }: NewKey): void {
  const { way } = hostedOf(record)
  record.keys = [{ keyId, multikey }, ...(way ? [way] : [])].map((key) => ({
    kmsKeyId: key.keyId,
    didDocumentRelativeKeyId: `#${key.multikey}`,
  }))
  record.metadata.set(HOSTED, { ...hostedOf(record), signingKey: keyId })
}

function setMade(record: DidRecord, made: Made): void {
  record.metadata.set(MADE, made)
  record.didDocument = made.document ? JsonTransformer.fromJSON(made.document, DidDocument) : undefined
  record.setTags({ recipientKeyFingerprints: record.didDocument?.recipientKeys.map((key) => key.fingerprint) ?? [] })
}

function publicationOf(record: DidRecord): Extract<Publication, { kind: 'DID' }> {
  const { version, witnessed } = hostedOf(record)
  const { document, deactivatedAt } = madeOf(record)
  const log = logOf(record)
  const metadata = log
    ? { versionId: log.at(-1)?.versionId, created: log[0]?.versionTime, updated: log.at(-1)?.versionTime }
    : {}
  return {
    kind: 'DID',
    did: record.did,
    version,
    document: document ?? emptyDocument(record.did),
    log: log as unknown as Json[] | undefined,
    witnessed: witnessed as unknown as Json[] | undefined,
    metadata,
    deactivated: deactivatedAt !== undefined,
  }
}

const hostedOf = (record: DidRecord) => record.metadata.get(HOSTED) as unknown as Hosted
const madeOf = (record: DidRecord) => record.metadata.get(MADE) as unknown as Made
const logOf = (record: DidRecord) => (record.metadata.get(LOG) ?? undefined) as unknown as LogEntry[] | undefined

const notWitnessed = (field: string) => badInput('Only a did:webvh has witnesses.', field)

async function newKey(agent: WalletAgent): Promise<NewKey> {
  const { keyId } = await agent.context.resolve(Kms.KeyManagementApi).createKey({ type: ED25519 })
  return keyOf(agent, keyId)
}

async function keyOf(agent: WalletAgent, keyId: string): Promise<NewKey> {
  const jwk = await agent.context.resolve(Kms.KeyManagementApi).getPublicKey({ keyId })
  if (jwk.kty !== 'OKP') throw new Error('A key of a hosted DID is of another type')
  return { keyId, multikey: multikeyOf(Buffer.from(jwk.x, 'base64url')) }
}

async function removeKey(agent: WalletAgent, keyId: string): Promise<void> {
  await agent.context.resolve(Kms.KeyManagementApi).deleteKey({ keyId })
}

function updateKeyOf(agent: WalletAgent, { keyId, multikey }: NewKey): UpdateKey {
  const kms = agent.context.resolve(Kms.KeyManagementApi)
  return {
    multikey,
    sign: async (data) => (await kms.sign({ keyId, algorithm: 'EdDSA', data: Uint8Array.from(data) })).signature,
  }
}
