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
import type { Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn } from '../tenants/wallet-reader.js'
import type { DidType } from './did.type.js'
import { didView } from './did.view.js'

const TYPE = 'DidRecord'
const NYM = '1'
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

/** DIDs of tenants' wallets on Indy ledgers. */
export class IndyDids {
  constructor(
    private readonly sessions: Pick<Sessions, 'transact'>,
    private readonly reader: IndyReader,
    private readonly writer: IndyWriter,
    private readonly networks: readonly IndyNetwork[],
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
    { network, role }: IndyOptions,
    made: NewDid,
  ): Promise<DidType> {
    const { did, id: dest, verkey } = made
    if (this.writer.placeOf(endorserDid).network !== network) {
      throw badInput('An endorser is a DID of the same ledger.', 'input.options.endorserDid')
    }
    await this.sessions.transact(tenantId, async (agent) => {
      await assertLedgerDid(agent.context, endorserDid)
      const record = await findDid(agent, did)
      if (record?.metadata.get(MADE)) throw known()
      if (!record) await save(agent, made)
    })
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
      if (!isGatewayError(error, 'PEER_UNREACHABLE')) await this.drop(tenantId, did)
      throw error
    }
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await findDid(agent, did)
      if (!record || record.metadata.get(MADE)) throw known()
      return list(agent, unit, record)
    })
  }

  private drop(tenantId: string, did: string): Promise<void> {
    return this.sessions.transact(tenantId, async (agent) => {
      const record = await findDid(agent, did)
      if (!record || record.metadata.get(MADE)) return
      const { context } = agent
      await context.resolve(Kms.KeyManagementApi).deleteKey({ keyId: await assertLedgerDid(context, did) })
      await context.resolve(DidRepository).delete(context, record)
    })
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
