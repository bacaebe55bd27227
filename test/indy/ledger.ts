import type {
  AnonCredsCredentialDefinition,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationStatusList,
  AnonCredsSchema,
} from '@credo-ts/anoncreds'
import type { Operation } from '../../src/indy/index.js'
import type { Answer, PoolRequest } from './pool.js'

const NOTHING = { data: null, seqNo: null, txnTime: null }

/** What has been written to a ledger, read in the form in which indy-node answers. */
export class TestLedger {
  private readonly written = new Map<string, Record<string, unknown>>()
  protected readonly lists: AnonCredsRevocationStatusList[] = []

  /** Writes a DID; an endorser, where no role is given. */
  nym(did: string, nym: { verkey: string; diddocContent?: string; role?: string | null }, endpoint?: object): void {
    this.write('105', did, { data: JSON.stringify({ dest: did, identifier: did, role: '101', ...nym }) })
    if (endpoint) this.write('104', did, { data: JSON.stringify({ endpoint }) })
  }

  /** @param sequence the number of its transaction */
  schema(did: string, { name, version, attrNames }: AnonCredsSchema, sequence: number): void {
    const data = { name, version, attr_names: attrNames }
    this.write('107', `${did} ${name} ${version}`, { data, seqNo: sequence })
    const txn = { type: '101', data: { data }, metadata: { from: did, reqId: 1 }, protocolVersion: 2 }
    this.write('3', `${sequence}`, { data: { txn, txnMetadata: { seqNo: sequence }, ver: '1' }, seqNo: sequence })
  }

  definition(did: string, sequence: number, { tag, value }: AnonCredsCredentialDefinition): void {
    this.write('108', `${did} ${sequence} ${tag}`, { data: value, seqNo: sequence + 1 })
  }

  /** @param id as in Indy before DIDs, as are those within it */
  registry(id: string, { tag, value, revocDefType }: AnonCredsRevocationRegistryDefinition, credDefId: string): void {
    const data = { id, credDefId, tag, revocDefType, value: { ...value, issuanceType: 'ISSUANCE_BY_DEFAULT' } }
    this.write('115', id, { data })
  }

  list(list: AnonCredsRevocationStatusList): void {
    this.lists.push(list)
  }

  readonly answer: Answer = (operation, _node, request) => this.respond(operation, request)

  protected respond(operation: Operation, _request: PoolRequest): ReturnType<Answer> {
    const { type, dest, data, origin, ref, tag, id } = operation as Record<string, unknown> & { type: string }
    const { name, version } = (data ?? {}) as { name?: string; version?: string }
    const key = {
      '105': `${dest}`,
      '104': `${dest}`,
      '107': `${dest} ${name} ${version}`,
      '3': `${data}`,
      '108': `${origin} ${ref} ${tag}`,
      '115': `${id}`,
    }[type]
    if (type === '117') return this.delta(operation)
    // Where there is no such schema, what was asked for comes back.
    const missing = type === '107' ? { ...NOTHING, data: { name, version } } : NOTHING
    return this.find(type, `${key}`) ?? missing
  }

  protected find(type: string, key: string): Record<string, unknown> | undefined {
    return this.written.get(`${type} ${key}`)
  }

  private delta({ revocRegDefId, to }: Record<string, unknown>): Record<string, unknown> {
    const list = this.lists.findLast((one) => one.revRegDefId === revocRegDefId && one.timestamp <= Number(to))
    if (!list) return NOTHING
    const { currentAccumulator: accum, revocationList, timestamp: txnTime } = list
    const revoked = revocationList.flatMap((state, index) => (state === 1 ? [index] : []))
    const value = { accum_to: { revocRegDefId, txnTime, value: { accum } }, issued: [], revoked }
    return { data: { revocDefType: 'CL_ACCUM', revocRegDefId, value }, txnTime }
  }

  protected write(type: string, key: string, reply: Record<string, unknown>): void {
    this.written.set(`${type} ${key}`, { txnTime: 1_700_000_000, ...reply })
  }
}
