import { randomInt } from 'node:crypto'
import { didIndyRegex } from '@credo-ts/anoncreds'
import { type AgentContext, DidRepository, Kms } from '@credo-ts/core'
import {
  type Acceptance,
  type IndyLedgers,
  type IndyNetwork,
  LedgerError,
  type Operation,
  type WriteRequest,
} from '../../indy/index.js'
import { base58Encode } from '../../lib/base58.js'
import { conflict, GatewayError, notFound, protocolError } from '../../lib/errors.js'
import { sha256 } from '../../lib/ids.js'
import type { WalletAgent } from '../wallet-agent.js'

/** A DID of a ledger, and what the ledger itself has as its name. */
export interface LedgerDid {
  network: IndyNetwork
  id: string
}

/** The key of a did:indy within its document. */
export const VERKEY = '#verkey'
const GET_AGREEMENT = '6'
const DAY_S = 86_400
const REASON_MAX = 300

export const isLedgerDid = (did: string) => did.startsWith('did:indy:')

/** Runs a unit of work on a tenant's wallet. */
export type InWallet = <T>(tenantId: string, fn: (agent: WalletAgent) => Promise<T>) => Promise<T>

/**
 * Writes to Indy ledgers as DIDs of tenants' wallets. A request is signed in a unit of work, and sent with nothing held;
 * keys do not leave the wallet. What became of a request that nobody has answered the ledger tells: see {@link ensure}.
 */
export class IndyWriter {
  constructor(
    private readonly ledgers: IndyLedgers,
    private readonly inWallet: InWallet,
  ) {}

  /** @throws CONFLICT for a DID of a ledger that is not configured here */
  placeOf(did: string): LedgerDid {
    const [, namespace, id] = didIndyRegex.exec(did) ?? []
    const network = this.ledgers.networks.find((one) => one.namespace === namespace)
    if (!id || !network) throw conflict('The ledger of this DID is not among those of the gateway.')
    return { network, id }
  }

  /**
   * @throws CONFLICT where the ledger does not let this DID, PROTOCOL_ERROR where it refuses for what it has, NOT_FOUND for
   *   a DID that is not the wallet's, LedgerError where it does not answer
   */
  async write(tenantId: string, did: string, operation: Operation): Promise<void> {
    const { network, id } = this.placeOf(did)
    const taaAcceptance = await this.acceptanceFor(network)
    const request: WriteRequest = {
      operation,
      identifier: id,
      protocolVersion: 2,
      reqId: randomInt(1, 2 ** 47),
      ...(taaAcceptance && { taaAcceptance }),
    }
    const input = await this.ledgers.signatureInput(request)
    const signature = await this.inWallet(tenantId, ({ context }) => sign(context, did, input))
    try {
      await this.ledgers.write(network, { ...request, signature })
    } catch (error) {
      throw error instanceof LedgerError && error.refusal !== undefined ? refused(error.refusal, network, error) : error
    }
  }

  /** What the ledger asks its authors to accept has to be what the operator has accepted. */
  private async acceptanceFor(network: IndyNetwork): Promise<Acceptance | undefined> {
    const { data } = await this.ledgers.ask(network, { type: GET_AGREEMENT })
    const { version = '', text = '' } = (data ?? {}) as { version?: string; text?: string }
    // One without a text is none any more.
    if (text === '') return undefined
    const accepted = network.transactionAuthorAgreement
    if (accepted?.version !== version) {
      throw conflict(
        `The ledger ${network.namespace} takes only what is written under version ${JSON.stringify(version)} of its ` +
          'transaction author agreement. Have the operator accept it in INDY_NETWORKS.',
      )
    }
    return {
      taaDigest: sha256(version + text).toString('hex'),
      mechanism: accepted.acceptanceMechanism,
      time: Math.floor(Date.now() / 1000 / DAY_S) * DAY_S,
    }
  }
}

/** The name of the key that a DID of this wallet writes with. @throws NOT_FOUND */
export async function assertLedgerDid(context: AgentContext, did: string): Promise<string> {
  const record = await context.resolve(DidRepository).findCreatedDid(context, did)
  const key = record?.keys?.find(({ didDocumentRelativeKeyId }) => didDocumentRelativeKeyId === VERKEY)
  if (!key) throw notFound('did:indy of this tenant')
  return key.kmsKeyId
}

async function sign(context: AgentContext, did: string, data: Uint8Array): Promise<string> {
  const keyId = await assertLedgerDid(context, did)
  const kms = context.resolve(Kms.KeyManagementApi)
  const { signature } = await kms.sign({ keyId, algorithm: 'EdDSA', data: Uint8Array.from(data) })
  return base58Encode(signature)
}

/**
 * Has something be on a ledger, whoever has written it there: another instance, or an attempt that a crash or a timeout
 * has kept from learning of it.
 */
export async function ensure(isThere: () => Promise<boolean>, write: () => Promise<void>): Promise<void> {
  if (await isThere()) return
  try {
    await write()
  } catch (error) {
    if (!(await isThere().catch(() => false))) throw error
  }
}

/** Does what a ledger is needed for. @throws PEER_UNREACHABLE where it does not answer */
export async function askLedger<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return await fn()
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    const message = 'The ledger does not answer. Try again later: what it has written meanwhile is found then.'
    throw new GatewayError('PEER_UNREACHABLE', message, { cause: error })
  }
}

/** What is to be done about a refusal; nodes say it by names of Python's exceptions. */
function refused(reason: string, { namespace }: IndyNetwork, cause: LedgerError): GatewayError {
  if (/UnauthorizedClientRequest|not enough .* signatures/i.test(reason)) {
    return conflict(`The ledger ${namespace} does not let this DID write that. Have it made an endorser there.`)
  }
  if (/author agreement|taa/i.test(reason)) {
    return conflict(
      `The ledger ${namespace} does not take how its transaction author agreement was accepted. Have the operator look ` +
        'into INDY_NETWORKS.',
    )
  }
  if (/authenticate|InsufficientCorrectSignatures|InvalidSignature|UnknownIdentifier/i.test(reason)) {
    return conflict(
      `The ledger ${namespace} does not have this DID, or has it with another key. Have it registered there first.`,
    )
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const said = reason.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, REASON_MAX)
  return protocolError(`The ledger ${namespace} refuses this: ${said}`, cause)
}
