import {
  type AnonCredsCredentialDefinition,
  type AnonCredsRevocationRegistryDefinition,
  type AnonCredsRevocationStatusList,
  type AnonCredsSchema,
  getUnqualifiedCredentialDefinitionId,
  getUnqualifiedSchemaId,
  isUnqualifiedIndyDid,
  parseIndyCredentialDefinitionId,
  parseIndyRevocationRegistryId,
  parseIndySchemaId,
} from '@credo-ts/anoncreds'
import { type IndyLedgers, type IndyNetwork, LedgerError, type Operation } from '../../indy/index.js'
import { base58Decode, base58Encode } from '../../lib/base58.js'
import { Recent } from '../../lib/recent.js'
import { areAttributeNames } from './attribute-names.js'
import { type Found, LARGEST_REGISTRY, type LedgerReader } from './ledger-reader.js'
import { unqualified } from './unqualified.js'

/** What a ledger knows of a DID. */
export interface Nym {
  verkey: string
  /** Parts of its document, as JSON, where it says them itself. */
  diddocContent?: string
}

/** An object, and the network that it was found in. */
interface InNetwork<T> extends Found<T> {
  network: IndyNetwork
  /** The number of its transaction. */
  sequence?: number
}

/** Numbers of Indy's transactions. */
const TYPE = {
  getTransaction: '3',
  getAttribute: '104',
  getNym: '105',
  getSchema: '107',
  getDefinition: '108',
  getRegistry: '115',
  getDelta: '117',
  schema: '101',
}
const DOMAIN_LEDGER = 1

/**
 * Reads DIDs and AnonCreds objects from Indy ledgers, by DID URLs (`did:indy:<namespace>:…`) and by the identifiers from
 * before DIDs, which name no network. Everything here waits for the network.
 */
export class IndyReader implements LedgerReader {
  private readonly homes = new Recent<string, IndyNetwork>(10_000, 60 * 60_000)

  constructor(private readonly ledgers: IndyLedgers) {}

  async nym(network: IndyNetwork, did: string): Promise<Nym | undefined> {
    const { data } = await this.ledgers.ask(network, { type: TYPE.getNym, dest: did })
    if (typeof data !== 'string') return undefined
    const nym = JSON.parse(data) as Nym & { dest?: string }
    return nym.dest === did && typeof nym.verkey === 'string' ? nym : undefined
  }

  /** What a DID says of its endpoints. */
  async endpoints(network: IndyNetwork, did: string): Promise<Record<string, unknown> | undefined> {
    const { data } = await this.ledgers.ask(network, { type: TYPE.getAttribute, dest: did, raw: 'endpoint' })
    if (typeof data !== 'string') return undefined
    const { endpoint } = JSON.parse(data) as { endpoint?: unknown }
    return typeof endpoint === 'object' && endpoint !== null ? (endpoint as Record<string, unknown>) : undefined
  }

  networkNamed(namespace: string | undefined): IndyNetwork | undefined {
    return this.ledgers.networks.find((network) => network.namespace === namespace)
  }

  async schema(id: string): Promise<InNetwork<AnonCredsSchema> | undefined> {
    const {
      did,
      namespaceIdentifier: dest,
      schemaName: name,
      schemaVersion: version,
      namespace,
    } = parseIndySchemaId(id)
    const network = await this.networkOf(namespace, dest)
    const { data, seqNo } = await this.ledgers.ask(network, { type: TYPE.getSchema, dest, data: { name, version } })
    const attrNames = (data as { attr_names?: unknown } | null)?.attr_names
    if (!areAttributeNames(attrNames) || typeof seqNo !== 'number') return undefined
    const metadata = { ...metadataOf(network), indyLedgerSeqNo: seqNo }
    return { network, object: { attrNames, name, version, issuerId: did }, sequence: seqNo, metadata }
  }

  async definition(id: string): Promise<InNetwork<AnonCredsCredentialDefinition> | undefined> {
    const { did, namespaceIdentifier: origin, schemaSeqNo, tag, namespace } = parseIndyCredentialDefinitionId(id)
    const network = await this.networkOf(namespace, origin)
    const operation = { type: TYPE.getDefinition, origin, ref: Number(schemaSeqNo), signature_type: 'CL', tag }
    const [{ data }, schemaId] = await Promise.all([
      this.ledgers.ask(network, operation),
      this.schemaIdAt(network, Number(schemaSeqNo), namespace),
    ])
    const value = data as AnonCredsCredentialDefinition['value'] | null
    if (!value?.primary || !schemaId) return undefined
    return { network, object: { issuerId: did, schemaId, type: 'CL', tag, value }, metadata: metadataOf(network) }
  }

  async registry(id: string): Promise<(InNetwork<AnonCredsRevocationRegistryDefinition> & Issuance) | undefined> {
    const parsed = parseIndyRevocationRegistryId(id)
    const { did, namespaceIdentifier, schemaSeqNo, credentialDefinitionTag: tag, namespace } = parsed
    const network = await this.networkOf(namespace, namespaceIdentifier)
    const { data } = await this.ledgers.ask(network, { type: TYPE.getRegistry, id: unqualified.registryId(id) })
    const found = data as (AnonCredsRevocationRegistryDefinition & { value: Issuance }) | null
    if (found?.revocDefType !== 'CL_ACCUM' || !found.value?.tailsHash) return undefined
    const { maxCredNum, tailsHash, tailsLocation, publicKeys, issuanceType } = found.value
    if (!Number.isInteger(maxCredNum) || maxCredNum < 1 || maxCredNum > LARGEST_REGISTRY) return undefined
    const credDefId = namespace
      ? `did:indy:${namespace}:${namespaceIdentifier}/anoncreds/v0/CLAIM_DEF/${schemaSeqNo}/${tag}`
      : getUnqualifiedCredentialDefinitionId(namespaceIdentifier, schemaSeqNo, tag)
    const value = { maxCredNum, tailsHash, tailsLocation, publicKeys: { accumKey: { z: publicKeys.accumKey.z } } }
    const object = { issuerId: did, revocDefType: found.revocDefType, value, tag: found.tag, credDefId }
    return { network, object, metadata: metadataOf(network), issuanceType }
  }

  async statusList(id: string, timestamp: number): Promise<InNetwork<AnonCredsRevocationStatusList> | undefined> {
    const registry = await this.registry(id)
    if (!registry) return undefined
    const { network, object: definition, issuanceType } = registry
    const operation = { type: TYPE.getDelta, revocRegDefId: unqualified.registryId(id), to: timestamp }
    const { data, txnTime } = await this.ledgers.ask(network, operation)
    const value = (data as { value?: Delta } | null)?.value
    const accum = value?.accum_to?.value?.accum
    if (!value || typeof accum !== 'string' || typeof txnTime !== 'number') return undefined
    const { issued = [], revoked = [] } = value
    const { maxCredNum } = definition.value
    if (![...issued, ...revoked].every((index) => Number.isInteger(index) && index >= 0 && index <= maxCredNum)) {
      return undefined
    }
    const revocationList = new Array<number>(maxCredNum).fill(issuanceType === 'ISSUANCE_BY_DEFAULT' ? 0 : 1)
    for (const index of issued) revocationList[index] = 0
    for (const index of revoked) revocationList[index] = 1
    const object = {
      issuerId: definition.issuerId,
      revRegDefId: id,
      currentAccumulator: accum,
      revocationList,
      timestamp: txnTime,
    }
    return { network, object, metadata: metadataOf(network) }
  }

  /** The id of the schema that a transaction has written. */
  private async schemaIdAt(network: IndyNetwork, sequence: number, namespace?: string): Promise<string | undefined> {
    const operation: Operation = { type: TYPE.getTransaction, ledgerId: DOMAIN_LEDGER, data: sequence }
    const { data } = await this.ledgers.ask(network, operation)
    const txn = (data as { txn?: SchemaTransaction } | null)?.txn
    if (txn?.type !== TYPE.schema) return undefined
    const { from } = txn.metadata
    const { name, version } = txn.data.data
    return namespace
      ? `did:indy:${namespace}:${from}/anoncreds/v0/SCHEMA/${name}/${version}`
      : getUnqualifiedSchemaId(from, name, version)
  }

  /**
   * The network of a DID. Where no namespace says it, that in which the DID is made of its own key comes first, then
   * the first one for production that has it, then any.
   */
  private async networkOf(namespace: string | undefined, did: string): Promise<IndyNetwork> {
    const { networks } = this.ledgers
    const [only] = networks
    const known = namespace ? this.networkNamed(namespace) : networks.length === 1 ? only : this.homes.get(did)
    if (known) return known
    if (namespace || !isUnqualifiedIndyDid(did)) throw new LedgerError('No such network is configured')
    const answers = await Promise.allSettled(
      networks.map(async (network) => ({ network, nym: await this.nym(network, did) })),
    )
    const having = answers.flatMap((answer) =>
      answer.status === 'fulfilled' && answer.value.nym ? [{ ...answer.value, nym: answer.value.nym }] : [],
    )
    const own = having.find(({ nym }) => isOfItsKey(did, nym.verkey))
    // One that does not answer now may be the one that is meant.
    const isCertain = own !== undefined || answers.every(({ status }) => status === 'fulfilled')
    const home = own ?? having.find(({ network }) => network.isProduction) ?? having[0]
    if (!home || !isCertain) throw new LedgerError('No network is known to have this DID')
    this.homes.set(did, home.network)
    return home.network
  }
}

const metadataOf = ({ namespace }: IndyNetwork) => ({ didIndyNamespace: namespace })

interface Issuance {
  issuanceType: string
}

interface Delta {
  accum_to?: { value?: { accum?: unknown } }
  issued?: number[]
  revoked?: number[]
}

interface SchemaTransaction {
  type: string
  data: { data: { name: string; version: string } }
  metadata: { from: string }
}

/** The whole key of a DID: ledgers shorten it where the DID is its first half. */
export function wholeKey(did: string, verkey: string): string {
  if (!verkey.startsWith('~')) return verkey
  return base58Encode(Buffer.concat([base58Decode(did), base58Decode(verkey.slice(1))]))
}

const isOfItsKey = (did: string, verkey: string) =>
  base58Encode(base58Decode(wholeKey(did, verkey)).subarray(0, 16)) === did
