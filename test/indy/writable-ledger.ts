import { createHash, createPublicKey, verify } from 'node:crypto'
import { base58Decode } from '../../src/lib/base58.js'
import { TestLedger } from './ledger.js'
import { type Answer, type PoolRequest, Refusal } from './pool.js'

const [TRUSTEE, STEWARD, ENDORSER] = ['0', '2', '101']
const DAY = 86_400

export interface Agreement {
  version: string
  text: string
  mechanisms: string[]
}

type Value = Record<string, unknown>
type Handler = (request: PoolRequest) => Refusal | undefined

/**
 * A ledger that takes what is written to it as indy-node does: whoever writes has to be on it, to sign what it says, to
 * have the role that this takes and to accept the agreement, where there is one.
 */
export class WritableLedger extends TestLedger {
  /** Transactions that were written. */
  readonly transactions: PoolRequest[] = []
  agreement: Agreement | undefined
  /** Called as something has been written, before any node says so. */
  onWritten: (request: PoolRequest) => void = () => {}
  /** Whether nodes keep to themselves what becomes of a request to write. */
  isSilent: (request: PoolRequest) => boolean = () => false
  /** Whether a request to write does not come to the nodes. */
  isLost: (request: PoolRequest) => boolean = () => false
  private readonly answers = new Map<string, Value | Refusal>()
  private readonly registries = new Map<string, { owner: string; size: number; accum?: string; revoked: Set<number> }>()
  private sequence = 100

  protected override respond(operation: PoolRequest['operation'], request: PoolRequest): ReturnType<Answer> {
    if (operation.type === '6') return { data: this.agreementData() }
    if (!Object.hasOwn(this.handlers, operation.type)) return super.respond(operation, request)
    if (this.isLost(request)) return undefined
    // Every node is sent the request, and the pool writes it once.
    const key = `${request.identifier} ${request.reqId}`
    const answer = this.answers.get(key) ?? this.take(request)
    this.answers.set(key, answer)
    return this.isSilent(request) ? undefined : answer
  }

  private agreementData(): Value | null {
    if (!this.agreement) return null
    const { version, text } = this.agreement
    return { version, text, digest: digestOf(version, text), ratification_ts: 1_700_000_000 }
  }

  private take(request: PoolRequest): Value | Refusal {
    const { operation, identifier, reqId, protocolVersion } = request
    const refused =
      this.checkAuthor(request) ?? this.checkAcceptance(request) ?? this.handlers[operation.type]!(request)
    if (refused) return refused
    this.transactions.push(request)
    this.onWritten(request)
    const { type, ...data } = operation
    return {
      txn: { type, data, metadata: { from: identifier, reqId }, protocolVersion },
      txnMetadata: { seqNo: this.sequence, txnTime: Math.floor(Date.now() / 1000) },
      ver: '1',
    }
  }

  /** Whether the DID is there, and its key has signed all that the request says. */
  private checkAuthor({ signature, ...request }: PoolRequest): Refusal | undefined {
    const { verkey } = this.nymOf(request.identifier) ?? {}
    const signed = Buffer.from(inputOf(request))
    const isIts =
      verkey && signature && verify(null, signed, keyOf(request.identifier, verkey), base58Decode(signature))
    if (isIts) return undefined
    return new Refusal('REQNACK', `client request invalid: could not authenticate, verkey for ${request.identifier}`)
  }

  private checkAcceptance({ taaAcceptance: accepted }: PoolRequest): Refusal | undefined {
    if (!this.agreement) return accepted && reject('Txn Author Agreement acceptance is not expected')
    const { version, text, mechanisms } = this.agreement
    if (!accepted) return reject('Txn Author Agreement acceptance is required for ledger with id 1')
    const holds =
      accepted.taaDigest === digestOf(version, text) &&
      mechanisms.includes(accepted.mechanism) &&
      accepted.time % DAY === 0 &&
      accepted.time <= Date.now() / 1000
    return holds ? undefined : reject('Txn Author Agreement acceptance is invalid')
  }

  private readonly handlers: Record<string, Handler> = {
    // NYM
    '1': ({ operation, identifier }) => {
      const { dest, verkey, role } = operation as unknown as { dest: string; verkey: string; role?: string }
      const isNew = !this.nymOf(dest)
      const allowed = isNew
        ? this.hasRole(identifier, TRUSTEE, STEWARD, ...(role === undefined ? [ENDORSER] : []))
        : dest === identifier && role === undefined
      if (!allowed) return unauthorized()
      this.nym(dest, { verkey, role: role ?? null })
      return undefined
    },
    // SCHEMA
    '101': ({ operation, identifier }) => {
      if (!this.hasRole(identifier, TRUSTEE, STEWARD, ENDORSER)) return unauthorized()
      const {
        name,
        version,
        attr_names: attrNames,
      } = operation['data'] as Value as {
        name: string
        version: string
        attr_names: string[]
      }
      if (this.find('107', `${identifier} ${name} ${version}`)) {
        return reject(`${identifier} can have one and only one SCHEMA with name ${name} and version ${version}`)
      }
      this.schema(identifier, { issuerId: identifier, name, version, attrNames }, ++this.sequence)
      return undefined
    },
    // CLAIM_DEF
    '102': ({ operation, identifier }) => {
      if (!this.hasRole(identifier, TRUSTEE, STEWARD, ENDORSER)) return unauthorized()
      const { ref, tag, data } = operation as unknown as { ref: number; tag: string; data: never }
      if (!this.find('3', `${ref}`)) return reject(`Mentioned seqNo (${ref}) doesn't exist.`)
      this.definition(identifier, ref, { issuerId: identifier, schemaId: '', type: 'CL', tag, value: data })
      this.sequence += 1
      return undefined
    },
    // REVOC_REG_DEF
    '113': ({ operation, identifier }) => {
      const { id, credDefId, tag, revocDefType, value } = operation as unknown as Record<string, string> & {
        value: { maxCredNum: number; issuanceType: string }
      }
      const [owner, , , ref, definitionTag] = `${credDefId}`.split(':')
      if (owner !== identifier) return unauthorized()
      if (!this.find('108', `${owner} ${ref} ${definitionTag}`))
        return reject(`There is no any CRED_DEF by path: ${id}`)
      if (id !== `${owner}:4:${credDefId}:CL_ACCUM:${tag}`) return reject('The id is not that of its parts')
      if (value.issuanceType !== 'ISSUANCE_BY_DEFAULT') return reject('Issuance type is not known here')
      this.registry(id!, { tag, revocDefType, value } as never, credDefId!)
      if (!this.registries.has(id!))
        this.registries.set(id!, { owner: identifier, size: value.maxCredNum, revoked: new Set() })
      return undefined
    },
    // REVOC_REG_ENTRY
    '114': ({ operation, identifier }) => {
      const { revocRegDefId, value } = operation as unknown as {
        revocRegDefId: string
        value: { accum: string; prevAccum?: string; issued?: number[]; revoked?: number[] }
      }
      const registry = this.registries.get(revocRegDefId)
      if (!registry) return reject(`There is no any REVOC_REG_DEF by path: ${revocRegDefId}`)
      if (registry.owner !== identifier) return unauthorized()
      if (registry.accum !== value.prevAccum) return reject('Invalid accum value: it does not follow the one before it')
      const { revoked = [] } = value
      if (revoked.some((index) => registry.revoked.has(index)))
        return reject('Issuer is trying to revoke indices twice')
      registry.accum = value.accum
      for (const index of revoked) registry.revoked.add(index)
      this.list({
        issuerId: identifier,
        revRegDefId: revocRegDefId,
        currentAccumulator: value.accum,
        revocationList: Array.from({ length: registry.size }, (_, index) => Number(registry.revoked.has(index))),
        timestamp: Math.floor(Date.now() / 1000),
      })
      return undefined
    },
  }

  private nymOf(did: string): { verkey: string; role: string | null } | undefined {
    const { data } = this.find('105', did) ?? {}
    return data === undefined ? undefined : JSON.parse(data as string)
  }

  private hasRole(did: string, ...roles: (string | undefined)[]): boolean {
    return roles.includes(this.nymOf(did)?.role ?? '')
  }
}

const reject = (reason: string) => new Refusal('REJECT', `client request invalid: InvalidClientRequest('${reason}')`)

const unauthorized = () =>
  new Refusal(
    'REJECT',
    "client request invalid: UnauthorizedClientRequest('Rule for this action is: 1 TRUSTEE signature is required OR 1 ENDORSER signature is required')",
  )

const digestOf = (version: string, text: string) => createHash('sha256').update(`${version}${text}`).digest('hex')

function keyOf(did: string, verkey: string) {
  const bytes = verkey.startsWith('~')
    ? Buffer.concat([base58Decode(did), base58Decode(verkey.slice(1))])
    : Buffer.from(base58Decode(verkey))
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') } })
}

/** What is signed of a request, as indy-plenum has it: names in order, and values without quotes. */
function inputOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(inputOf).join(',')
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return String(value)
  return Object.entries(value ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${name}:${inputOf(one)}`)
    .join('|')
}
