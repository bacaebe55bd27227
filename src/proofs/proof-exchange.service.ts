import { DidCommProofState } from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import { keepNotes, noteExchange } from '../agent/exchanges/notes.js'
import { autoAcceptOf } from '../agent/exchanges/protocols.js'
import { assertInTime, readyConnection, takeStep } from '../agent/exchanges/steps.js'
import type { RecordJson, WalletSettings } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { inviteWith } from '../connections/attached-invitation.js'
import { fromCredo, toCredo } from '../connections/connection.view.js'
import type { InvitationType } from '../connections/invitation.type.js'
import { conflict } from '../lib/errors.js'
import { checkOptional, checkText } from '../lib/text.js'
import type { Listed } from '../storage/list.js'
import type { Unit } from '../storage/unit.js'
import { once } from '../tenants/idempotency.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import { checkAsked, checkProposed, chosen, fittingIn, inItsFormat, named } from './asked.js'
import type {
  AcceptProofProposalInput,
  AcceptProofRequestInput,
  ProofExchangeFilter,
  ProposeProofInput,
  RequestProofInput,
} from './proof-exchange.input.js'
import type { ProofExchangeType } from './proof-exchange.type.js'
import { proofExchangeView } from './proof-exchange.view.js'
import type { Fitting } from './selection.js'

const EXCHANGE_RECORD = 'ProofRecord'
const WHAT = 'proof exchange'

export interface ProofExchangeStep {
  proofExchange: ProofExchangeType
  invitation: InvitationType | null
}

/** Proof exchanges (Aries RFC 0454, 0037) of a tenant's wallet, as verifier and as prover. */
export class ProofExchangeService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly domainOf: (settings: WalletSettings) => string,
  ) {}

  async find(tenantId: string, id: string): Promise<ProofExchangeType | undefined> {
    const record = await this.reader.find(tenantId, EXCHANGE_RECORD, id)
    return record && proofExchangeView(record)
  }

  list(
    tenantId: string,
    { state, role, connectionId, invitationId, threadId }: ProofExchangeFilter,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    const filter = {
      ...(state ? { state: toCredo(state) } : {}),
      ...(role ? { role: toCredo(role) } : {}),
      ...(connectionId != null ? { connectionId } : {}),
      ...(invitationId != null ? { _invitationId: invitationId } : {}),
      ...(threadId != null ? { threadId } : {}),
    }
    return this.reader.list(tenantId, EXCHANGE_RECORD, 'proof-exchanges', filter, query)
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT for what is no presentation request, CONFLICT */
  request(tenantId: string, input: RequestProofInput): Promise<ProofExchangeStep> {
    checkText(input.name, 'input.name')
    checkOptional(input.comment, 'input.comment', { max: 10_000, lines: true })
    const asked = checkAsked(input.format, input.request, 'input.request')
    return this.sessions.transact(tenantId, (agent, unit) =>
      once(unit, 'requestProof', input, async () => {
        const { connectionId } = input
        if (connectionId != null) await readyConnection(agent, connectionId)
        const comment = input.comment ?? undefined
        noteExchange({ comment })
        const request = {
          protocolVersion: 'v2' as const,
          proofFormats: named(asked, input.name),
          autoAcceptProof: autoAcceptOf(input.autoAccept),
          comment,
        }
        if (connectionId == null) return this.requestFromAnyone(agent, unit, request, input.handshake ?? false)
        const { id } = await takeStep(REQUEST_FAILED, () => agent.proofs.requestProof({ ...request, connectionId }))
        return { proofExchange: await viewIn(unit, id), invitation: null }
      }),
    )
  }

  /** As prover: proposes what to be asked. @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  propose(tenantId: string, input: ProposeProofInput): Promise<ProofExchangeStep> {
    checkText(input.name, 'input.name')
    checkOptional(input.comment, 'input.comment', { max: 10_000, lines: true })
    const proposed = checkAsked(input.format, input.request, 'input.request')
    return this.sessions.transact(tenantId, (agent, unit) =>
      once(unit, 'proposeProof', input, async () => {
        await readyConnection(agent, input.connectionId)
        const comment = input.comment ?? undefined
        noteExchange({ comment })
        const { id } = await takeStep('The proposal cannot be made.', () =>
          agent.proofs.proposeProof({
            protocolVersion: 'v2',
            connectionId: input.connectionId,
            proofFormats: named(proposed, input.name),
            autoAcceptProof: autoAcceptOf(input.autoAccept),
            comment,
          }),
        )
        return { proofExchange: await viewIn(unit, id), invitation: null }
      }),
    )
  }

  /**
   * As verifier: asks what was proposed, or something else.
   * @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT where no proposal waits, or it cannot be asked as it is
   */
  acceptProposal(tenantId: string, input: AcceptProofProposalInput): Promise<ProofExchangeStep> {
    checkOptional(input.comment, 'input.comment', { max: 10_000, lines: true })
    const { exchangeId: id } = input
    return this.step(tenantId, id, 'verifier', 'proposal-received', async (agent, record) => {
      await assertInTime(agent, id, 'propose-presentation')
      const proposed = proofExchangeView(record)
      const asked =
        input.request == null ? checkProposed(proposed) : checkAsked(proposed.format, input.request, 'input.request')
      const comment = input.comment ?? undefined
      noteExchange({ comment })
      const format = record['protocolVersion'] === 'v1' ? 'indy' : 'anoncreds'
      await takeStep(REQUEST_FAILED, () =>
        agent.proofs.negotiateProposal({
          proofExchangeRecordId: id,
          proofFormats: named(asked, String(proposed.request['name'] ?? 'Proof'), format),
          autoAcceptProof: autoAcceptOf(input.autoAccept),
          comment,
        }),
      )
    })
  }

  /** As verifier: turns a proposal down, and tells the prover why. */
  declineProposal(tenantId: string, id: string, reason?: string | null): Promise<ProofExchangeStep> {
    checkOptional(reason, 'reason', { max: 1000, lines: true })
    return this.step(tenantId, id, 'verifier', 'proposal-received', async (agent) => {
      const description = reason ?? 'Proposal declined'
      const record = await takeStep('The proposal cannot be declined.', () =>
        agent.proofs.sendProblemReport({ proofExchangeRecordId: id, description }),
      )
      record.state = DidCommProofState.Declined
      await agent.proofs.update(record)
    })
  }

  /** Forgets an exchange and its messages. @throws NOT_FOUND */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sessions.transact(tenantId, (agent) => askAgent(WHAT, () => agent.proofs.deleteById(id)))
  }

  /**
   * Which credentials of the wallet fit a request, by referent.
   * @throws NOT_FOUND, CONFLICT where the tenant is not asked, PROTOCOL_ERROR
   */
  credentialsFor(tenantId: string, id: string): Promise<Record<string, Fitting[]>> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      assertStep(await recordIn(unit, EXCHANGE_RECORD, id, WHAT), 'prover', 'request-received')
      return this.fitting(agent, id)
    })
  }

  /**
   * Answers a request with a presentation.
   * @throws NOT_FOUND, BAD_USER_INPUT for a selection that does not fit, CONFLICT where nothing does, PROTOCOL_ERROR
   */
  acceptRequest(tenantId: string, { exchangeId, selection }: AcceptProofRequestInput): Promise<ProofExchangeStep> {
    return this.step(tenantId, exchangeId, 'prover', 'request-received', async (agent, record) => {
      await assertInTime(agent, exchangeId, 'request-presentation')
      const fitting = await this.fitting(agent, exchangeId)
      const answer = chosen(proofExchangeView(record), fitting, selection ?? {}, 'input.selection')
      await takeStep(
        'The request cannot be answered: what it refers to cannot be resolved, or does not hold.',
        async () =>
          agent.proofs.acceptRequest({
            proofExchangeRecordId: exchangeId,
            proofFormats: await inItsFormat(agent, exchangeId, answer),
          }),
      )
    })
  }

  /** @throws NOT_FOUND, CONFLICT where no presentation waits */
  acceptPresentation(tenantId: string, id: string): Promise<ProofExchangeStep> {
    return this.step(tenantId, id, 'verifier', 'presentation-received', async (agent) => {
      await assertInTime(agent, id, 'presentation')
      await takeStep('The presentation cannot be accepted.', () =>
        agent.proofs.acceptPresentation({ proofExchangeRecordId: id }),
      )
    })
  }

  /** Turns a request down, and tells the verifier why. */
  declineRequest(tenantId: string, id: string, reason?: string | null): Promise<ProofExchangeStep> {
    checkOptional(reason, 'reason', { max: 1000, lines: true })
    return this.step(tenantId, id, 'prover', 'request-received', (agent) =>
      takeStep('The request cannot be declined.', () =>
        agent.proofs.declineRequest({
          proofExchangeRecordId: id,
          sendProblemReport: true,
          problemReportDescription: reason ?? undefined,
        }),
      ),
    )
  }

  private async fitting(agent: WalletAgent, id: string): Promise<Record<string, Fitting[]>> {
    const found = await takeStep('The request cannot be answered: what it refers to cannot be resolved.', async () =>
      agent.proofs.getCredentialsForRequest({
        proofExchangeRecordId: id,
        proofFormats: await inItsFormat(agent, id, { filterByNonRevocationRequirements: false }),
      }),
    )
    return fittingIn(found.proofFormats)
  }

  private async requestFromAnyone(
    agent: WalletAgent,
    unit: Unit,
    request: Parameters<WalletAgent['proofs']['createRequest']>[0],
    handshake: boolean,
  ): Promise<ProofExchangeStep> {
    const made = await takeStep(REQUEST_FAILED, () => agent.proofs.createRequest(request))
    const invitation = await inviteWith(agent, unit, {
      message: made.message,
      goalCode: 'aries.vc.verify',
      handshake,
      domain: this.domainOf(agent.owner.settings),
    })
    keepNotes(made.proofRecord, { invitationId: invitation.id })
    await agent.proofs.update(made.proofRecord)
    return { proofExchange: await viewIn(unit, made.proofRecord.id), invitation }
  }

  private step(
    tenantId: string,
    id: string,
    role: 'prover' | 'verifier',
    state: string,
    step: (agent: WalletAgent, record: RecordJson) => Promise<unknown>,
  ): Promise<ProofExchangeStep> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await recordIn(unit, EXCHANGE_RECORD, id, WHAT)
      assertStep(record, role, state)
      await step(agent, record)
      return { proofExchange: await viewIn(unit, id), invitation: null }
    })
  }
}

const REQUEST_FAILED = 'The request cannot be made.'

function assertStep(record: RecordJson, role: string, state: string): void {
  const { role: own, state: current } = proofExchangeView(record)
  if (record['role'] !== role) throw conflict(`The tenant is the ${own} of this exchange.`)
  if (record['state'] !== state)
    throw conflict(`The exchange is ${current}, and has to be ${fromCredo(state)} for this.`)
}

async function viewIn(unit: Unit, id: string): Promise<ProofExchangeType> {
  return proofExchangeView(await recordIn(unit, EXCHANGE_RECORD, id, WHAT))
}
