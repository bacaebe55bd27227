import { randomBytes } from 'node:crypto'
import { DidDocument, DidDocumentRole, DidRecord, DidRepository, JsonTransformer, Kms } from '@credo-ts/core'
import { type IndyReader, wholeKey } from '../agent/anoncreds/indy-reader.js'
import { askLedger, assertLedgerDid, ensure, type IndyWriter, VERKEY } from '../agent/anoncreds/indy-writer.js'
import { keyDocument } from '../agent/did-indy.js'
import { MADE } from '../agent/made-did.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { IndyNetwork } from '../indy/index.js'
import { base58Encode } from '../lib/base58.js'
import { ed25519Jwk } from '../lib/ed25519.js'
import { badInput, conflict, isGatewayError } from '../lib/errors.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn } from '../tenants/wallet-reader.js'
import type { DidType } from './did.type.js'
import { didView } from './did.view.js'

const TYPE = 'DidRecord'
const NYM = '1'
/** DIDs that a ledger may have or not, and that are not listed yet. */
const UNREGISTERED = '_unregistered'
const ROLES = { ENDORSER: '101' } as const
const DID_ID = /^[1-9A-HJ-NP-Za-km-z]{21,22}$/
/** What Indy's tools take as the seed of a key: 32 characters, or 32 bytes in Base64 or in hexadecimal. */
const SEEDS = [
  { form: /^[0-9a-f]{64}$/i, encoding: 'hex' },
  { form: /^[A-Za-z0-9+/]{43}=$/, encoding: 'base64' },
  { form: /^.{32}$/su, encoding: 'utf8' },
] as const

interface IndyOptions {
  network: IndyNetwork
  seed: Buffer | undefined
  /** The name of the DID on the ledger, where it does not follow from its key. */
  id: string | undefined
  endorserDid: string | undefined
  role: keyof typeof ROLES | undefined
}

/** A key, and the DID that it is to be of. */
interface NewDid {
  did: string
  id: string
  verkey: string
  privateJwk: Kms.KmsJwkPrivateOkp
}

/** A DID whose key is kept, and that another one of its tenant is to write to their ledger. */
interface Registration {
  tenantId: string
  did: string
  verkey: string
  endorserDid: string
  role: keyof typeof ROLES | undefined
}

/** DIDs of tenants' wallets on Indy ledgers. */
export class IndyDids {
  private readonly unfinished = new Map<string, Registration>()
  private readonly underway = new Set<string>()
  private finishing: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly sessions: Pick<Sessions, 'transact'>,
    private readonly reader: IndyReader,
    private readonly writer: IndyWriter,
    private readonly networks: readonly IndyNetwork[],
    /** Notes that a tenant has something left to do. */
    private readonly mark: (tenantId: string) => Promise<void>,
  ) {}

  /**
   * Takes a DID that the ledger has, by the seed of its key; or makes one, which another DID of the tenant's writes to the
   * ledger, or somebody outside.
   *
   * @throws BAD_USER_INPUT, CONFLICT where the wallet has it already, or the ledger has not, has another key of it, or
   *   refuses, NOT_FOUND for an endorser that is not the tenant's, PEER_UNREACHABLE
   */
  async create(tenantId: string, given: Record<string, unknown> | null | undefined): Promise<DidType> {
    const options = this.parse(given ?? {})
    const made = newDid(options)
    if (options.endorserDid !== undefined) return this.createBy(tenantId, options.endorserDid, options, made)
    if (options.seed) await askLedger(() => this.assertOnLedger(options.network, made))
    return this.sessions.transact(tenantId, async (agent, unit) => {
      if (await findDid(agent, made.did)) throw known()
      return list(agent, unit, await save(agent, made))
    })
  }

  /** The key is kept before the DID is on the ledger, and the DID told of once it is. */
  private async createBy(
    tenantId: string,
    endorserDid: string,
    { network, seed, role }: IndyOptions,
    made: NewDid,
  ): Promise<DidType> {
    const { did, verkey } = made
    if (this.writer.placeOf(endorserDid).network !== network) {
      throw badInput('An endorser is a DID of the same ledger.', 'input.options.endorserDid')
    }
    const registration = { tenantId, did, verkey, endorserDid, role }
    this.underway.add(did)
    try {
      await this.sessions.transact(tenantId, async (agent, unit) => {
        await assertLedgerDid(agent.context, endorserDid)
        const record = await findDid(agent, did)
        if (record?.metadata.get(MADE)) throw known()
        if (!record) await save(agent, made)
        if (!seed) this.note(unit, registration)
      })
      if (!seed) this.unfinished.set(did, registration)
      return await this.register(registration)
    } finally {
      this.underway.delete(did)
    }
  }

  /** Nobody could make a DID without a seed again: whoever finds the tenant after a crash goes on with it. */
  private note(unit: Unit, registration: Registration): void {
    const { did } = registration
    unit.insert({ category: UNREGISTERED, name: did, value: JSON.stringify(registration), tags: {} })
    unit.add(this.noted, did)
  }

  private readonly noted: Collector<string> = { prepare: (_dids, tenantId) => this.mark(tenantId) }

  /** Has a DID whose key is kept be on its ledger, then lists it. */
  private async register(registration: Registration): Promise<DidType> {
    const { tenantId, did, verkey, endorserDid, role } = registration
    const { network, id: dest } = this.writer.placeOf(did)
    const operation = { type: NYM, dest, verkey, ...(role && { role: ROLES[role] }) }
    try {
      await askLedger(() =>
        ensure(
          async () => (await this.keyOf(network, dest)) === verkey,
          () => this.writer.write(tenantId, endorserDid, operation),
        ),
      )
    } catch (error) {
      // Where nobody knows whether it has been written, its key stays.
      if (isGatewayError(error, 'PEER_UNREACHABLE')) throw error
      this.unfinished.delete(did)
      await this.drop(tenantId, did)
      throw error
    }
    try {
      const listed = await this.listNew(registration)
      this.unfinished.delete(did)
      return listed
    } catch (error) {
      // A wallet that cannot be used now is gone on with as soon as it can.
      if (isGatewayError(error)) this.unfinished.delete(did)
      throw error
    }
  }

  private listNew({ tenantId, did }: Registration): Promise<DidType> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await findDid(agent, did)
      if (!record) throw known()
      await unit.remove(UNREGISTERED, did)
      // Whoever was quicker has told of it.
      if (record.metadata.get(MADE)) return didView(await recordIn(unit, TYPE, record.id, 'DID'))
      return list(agent, unit, record)
    })
  }

  private drop(tenantId: string, did: string): Promise<void> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await findDid(agent, did)
      if (!record || record.metadata.get(MADE)) return
      const { context } = agent
      await context.resolve(Kms.KeyManagementApi).deleteKey({ keyId: await assertLedgerDid(context, did) })
      await context.resolve(DidRepository).delete(context, record)
      await unit.remove(UNREGISTERED, did)
    })
  }

  /** Takes up the DIDs that a crash, or a ledger that did not answer, has kept from being listed: see {@link finishAll}. */
  async goOn(tenantId: string): Promise<void> {
    const noted = await this.sessions.transact(tenantId, (_agent, unit) => unit.query(UNREGISTERED, {}))
    for (const { name: did, value } of noted) {
      this.unfinished.set(did, { ...(JSON.parse(value) as Registration), tenantId })
    }
  }

  /** Goes on with what was taken up, or could not be finished. One whose ledger the gateway does not have now waits. */
  async finishAll(): Promise<void> {
    const left = [...this.unfinished.values()].filter(({ did }) => !this.underway.has(did) && this.isOnLedgerHere(did))
    const done = Promise.allSettled(left.map((registration) => this.again(registration)))
    this.finishing = Promise.all([this.finishing, done]).then(() => undefined)
    const failed = (await done).find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Waits for what is being finished. */
  async idle(): Promise<void> {
    await this.finishing
  }

  private isOnLedgerHere(did: string): boolean {
    const prefix = did.slice(0, did.lastIndexOf(':'))
    return this.networks.some(({ namespace }) => prefix === `did:indy:${namespace}`)
  }

  isBusy(tenantId: string): boolean {
    return [...this.unfinished.values()].some((registration) => registration.tenantId === tenantId)
  }

  private async again(registration: Registration): Promise<void> {
    this.underway.add(registration.did)
    try {
      await this.register(registration)
    } finally {
      this.underway.delete(registration.did)
    }
  }

  private async assertOnLedger(network: IndyNetwork, { id, verkey }: NewDid): Promise<void> {
    const key = await this.keyOf(network, id)
    if (key === undefined) {
      throw conflict(
        `The ledger ${network.namespace} has no DID ${id}. Have it registered there with the key ${verkey} first, name an ` +
          'endorserDid, or check the seed.',
      )
    }
    if (key !== verkey)
      throw conflict(`On the ledger ${network.namespace} this DID has another key than that of the seed.`)
  }

  private async keyOf(network: IndyNetwork, id: string): Promise<string | undefined> {
    const nym = await this.reader.nym(network, id)
    return nym && wholeKey(id, nym.verkey)
  }

  private parse(given: Record<string, unknown>): IndyOptions {
    const { namespace, seed, did, endorserDid, role, ...rest } = given
    if (Object.keys(rest).length > 0) throw badInput('There is no such option.', 'input.options')
    for (const [name, value] of Object.entries(given)) {
      if (typeof value !== 'string') throw badInput(`${name} must be a string.`, `input.options.${name}`)
    }
    if (role !== undefined && role !== 'ENDORSER') throw badInput('role must be ENDORSER.', 'input.options.role')
    if (role !== undefined && endorserDid === undefined) {
      throw badInput('A role is given by an endorserDid.', 'input.options.role')
    }
    const network = this.networkNamed(namespace as string | undefined)
    const id = (did as string | undefined)?.replace(`did:indy:${network.namespace}:`, '')
    if (id !== undefined && (!DID_ID.test(id) || seed === undefined)) {
      throw badInput('did is the DID of the seed, as the ledger has it.', 'input.options.did')
    }
    return {
      network,
      seed: seed === undefined ? undefined : seedBytes(seed as string),
      id,
      endorserDid: endorserDid as string | undefined,
      role,
    }
  }

  private networkNamed(namespace: string | undefined): IndyNetwork {
    const named = this.networks.filter((one) => namespace === undefined || one.namespace === namespace)
    const [only] = named
    if (only && named.length === 1) return only
    const names = this.networks.map((one) => one.namespace).join(', ')
    throw badInput(`namespace must be one of ${names}.`, 'input.options.namespace')
  }
}

/** The message never has the seed. */
function seedBytes(seed: string): Buffer {
  const { encoding } = SEEDS.find(({ form }) => form.test(seed)) ?? {}
  const bytes = Buffer.from(seed, encoding)
  if (encoding && bytes.length === 32) return bytes
  throw badInput('seed must be 32 characters, or 32 bytes in Base64 or hexadecimal.', 'input.options.seed')
}

function newDid({ network, seed = randomBytes(32), id }: IndyOptions): NewDid {
  const privateJwk = ed25519Jwk(seed)
  const bytes = Buffer.from(privateJwk.x, 'base64url')
  const name = id ?? base58Encode(bytes.subarray(0, 16))
  return { did: `did:indy:${network.namespace}:${name}`, id: name, verkey: base58Encode(bytes), privateJwk }
}

const findDid = ({ context }: WalletAgent, did: string) => context.resolve(DidRepository).findCreatedDid(context, did)

async function save({ context }: WalletAgent, { did, verkey, privateJwk }: NewDid): Promise<DidRecord> {
  const { keyId } = await context.resolve(Kms.KeyManagementApi).importKey({ privateJwk })
  const record = new DidRecord({
    did,
    role: DidDocumentRole.Created,
    didDocument: JsonTransformer.fromJSON(keyDocument(did, verkey), DidDocument),
    keys: [{ kmsKeyId: keyId, didDocumentRelativeKeyId: VERKEY }],
  })
  await context.resolve(DidRepository).save(context, record)
  return record
}

/** From here on the tenant has it. */
async function list({ context }: WalletAgent, unit: Unit, record: DidRecord): Promise<DidType> {
  const listed = record.clone()
  listed.metadata.set(MADE, { document: record.didDocument?.toJSON() ?? null })
  await context.resolve(DidRepository).update(context, listed)
  return didView(await recordIn(unit, TYPE, record.id, 'DID'))
}

const known = () => conflict('The wallet has this DID already.', 'input.options')
