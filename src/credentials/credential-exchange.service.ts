import { DidCommCredentialState } from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import { isLedgerDid } from '../agent/anoncreds/indy-writer.js'
import { unqualified } from '../agent/anoncreds/unqualified.js'
import { dataIntegrityOffer, type OfferedCredential } from '../agent/exchanges/data-integrity-format.js'
import { keepNotes, noteExchange } from '../agent/exchanges/notes.js'
import { autoAcceptOf } from '../agent/exchanges/protocols.js'
import { assertInTime, readyConnection, takeStep } from '../agent/exchanges/steps.js'
import type { RecordJson, WalletSettings } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { ATTRIBUTES_MAX } from '../anoncreds/index.js'
import { inviteWith } from '../connections/attached-invitation.js'
import { fromCredo, toCredo } from '../connections/connection.view.js'
import type { InvitationType } from '../connections/invitation.type.js'
import { badInput, conflict } from '../lib/errors.js'
import { checkOptional, checkText } from '../lib/text.js'
import type { Listed } from '../storage/list.js'
import type { Unit } from '../storage/unit.js'
import { once } from '../tenants/idempotency.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import type { AnoncredsService } from './anoncreds.service.js'
import type {
  AcceptCredentialProposalInput,
  AttributeInput,
  CredentialExchangeFilter,
  OfferCredentialInput,
  ProposeCredentialInput,
} from './credential-exchange.input.js'
import type { CredentialExchangeType } from './credential-exchange.type.js'
import { anoncredsOf, credentialExchangeView } from './credential-exchange.view.js'
import type { RevocationService } from './revocation.service.js'

export const EXCHANGE_RECORD = 'CredentialRecord'
const WHAT = 'credential exchange'
const VALUE_MAX = 1_000_000

export interface CredentialExchangeStep {
  credentialExchange: CredentialExchangeType
  invitation: InvitationType | null
}

/** Credential exchanges (Aries RFC 0453, 0036) of a tenant's wallet, as issuer and as holder. */
export class CredentialExchangeService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly anoncreds: AnoncredsService,
    private readonly revocation: RevocationService,
    private readonly domainOf: (settings: WalletSettings) => string,
  ) {}

  async find(tenantId: string, id: string): Promise<CredentialExchangeType | undefined> {
    const record = await this.reader.find(tenantId, EXCHANGE_RECORD, id)
    return record && credentialExchangeView(record)
  }

  list(
    tenantId: string,
    { state, role, connectionId, invitationId, threadId }: CredentialExchangeFilter,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    const filter = {
      ...(state ? { state: toCredo(state) } : {}),
      ...(role ? { role: toCredo(role) } : {}),
      ...(connectionId != null ? { connectionId } : {}),
      ...(invitationId != null ? { _invitationId: invitationId } : {}),
      ...(threadId != null ? { threadId } : {}),
    }
    return this.reader.list(tenantId, EXCHANGE_RECORD, 'credential-exchanges', filter, query)
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT for attributes that are not the schema's, CONFLICT */
  offer(tenantId: string, input: OfferCredentialInput): Promise<CredentialExchangeStep> {
    checkOptional(input.comment, 'input.comment', { max: 10_000, lines: true })
    const { credentialDefinitionId, connectionId } = input
    const attributes = checkAttributes(input.attributes)
    const format = checkFormat(input.format ?? 'ANONCREDS', attributes)
    return this.sessions.transact(tenantId, (agent, unit) =>
      once(unit, 'offerCredential', input, async () => {
        const { names, issuerDid } = await this.anoncreds.definitionOf(agent, unit, credentialDefinitionId)
        assertSame(
          names,
          attributes.map(({ name }) => name),
        )
        if (connectionId != null) await readyConnection(agent, connectionId)
        const comment = input.comment ?? undefined
        noteExchange({ comment })
        const offer = {
          protocolVersion: 'v2' as const,
          credentialFormats: offeredAs(format, { issuerDid, credentialDefinitionId, attributes }),
          autoAcceptCredential: autoAcceptOf(input.autoAccept),
          comment,
        }
        if (connectionId == null) return this.offerToAnyone(agent, unit, offer, input.handshake ?? false)
        const { id } = await takeStep(OFFER_FAILED, () => agent.credentials.offerCredential({ ...offer, connectionId }))
        return { credentialExchange: await viewIn(unit, id), invitation: null }
      }),
    )
  }

  /** As holder: asks an issuer for an offer. @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  propose(tenantId: string, input: ProposeCredentialInput): Promise<CredentialExchangeStep> {
    checkOptional(input.comment, 'input.comment', { max: 10_000, lines: true })
    checkText(input.credentialDefinitionId, 'input.credentialDefinitionId', { max: 1000 })
    const { credentialDefinitionId, connectionId } = input
    const attributes = checkAttributes(input.attributes)
    return this.sessions.transact(tenantId, (agent, unit) =>
      once(unit, 'proposeCredential', input, async () => {
        await readyConnection(agent, connectionId)
        const comment = input.comment ?? undefined
        noteExchange({ comment })
        const { id } = await takeStep('The proposal cannot be made.', () =>
          agent.credentials.proposeCredential({
            protocolVersion: 'v2',
            connectionId,
            credentialFormats: { anoncreds: { credentialDefinitionId, attributes } },
            autoAcceptCredential: autoAcceptOf(input.autoAccept),
            comment,
          }),
        )
        return { credentialExchange: await viewIn(unit, id), invitation: null }
      }),
    )
  }

  /**
   * As issuer: offers what was proposed, or something else.
   * @throws NOT_FOUND, BAD_USER_INPUT for attributes that are not the schema's, CONFLICT where no proposal waits
   */
  acceptProposal(tenantId: string, input: AcceptCredentialProposalInput): Promise<CredentialExchangeStep> {
    checkOptional(input.comment, 'input.comment', { max: 10_000, lines: true })
    const given = input.attributes ? checkAttributes(input.attributes) : undefined
    const { exchangeId: id } = input
    return this.step(tenantId, id, 'issuer', 'proposal-received', async (agent, unit, record) => {
      await assertInTime(agent, id, 'propose-credential')
      const proposed = credentialExchangeView(record)
      const credentialDefinitionId = input.credentialDefinitionId ?? proposed.credentialDefinitionId
      if (credentialDefinitionId === null) {
        throw badInput('The proposal names no credential definition. Give one.', 'input.credentialDefinitionId')
      }
      const attributes = given ?? proposed.attributes
      const { names } = await this.anoncreds.definitionOf(agent, unit, credentialDefinitionId)
      assertSame(
        names,
        attributes.map(({ name }) => name),
      )
      const comment = input.comment ?? undefined
      noteExchange({ comment })
      await takeStep(OFFER_FAILED, () =>
        agent.credentials.negotiateProposal({
          credentialExchangeRecordId: id,
          credentialFormats: { anoncreds: { credentialDefinitionId, attributes } },
          autoAcceptCredential: autoAcceptOf(input.autoAccept),
          comment,
        }),
      )
    })
  }

  /** As issuer: turns a proposal down, and tells the holder why. */
  declineProposal(tenantId: string, id: string, reason?: string | null): Promise<CredentialExchangeStep> {
    checkOptional(reason, 'reason', { max: 1000, lines: true })
    return this.step(tenantId, id, 'issuer', 'proposal-received', async (agent) => {
      const description = reason ?? 'Proposal declined'
      const record = await takeStep('The proposal cannot be declined.', () =>
        agent.credentials.sendProblemReport({ credentialExchangeRecordId: id, description }),
      )
      record.state = DidCommCredentialState.Declined
      await agent.credentials.update(record)
    })
  }

  /**
   * Forgets an exchange and its messages; what the holder has stored stays.
   * @throws NOT_FOUND, CONFLICT where what was issued could not be revoked any more
   */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await recordIn(unit, EXCHANGE_RECORD, id, WHAT)
      const { role, revoked } = credentialExchangeView(record)
      if (role === 'ISSUER' && !revoked && anoncredsOf(record).revocationRegistryId !== undefined) {
        throw conflict('Revoke the credential first: without its exchange it cannot be revoked any more.')
      }
      await askAgent(WHAT, () => agent.credentials.deleteById(id, { deleteAssociatedCredentials: false }))
    })
  }

  /** @throws NOT_FOUND, CONFLICT where it is not an offer that waits, PROTOCOL_ERROR */
  acceptOffer(tenantId: string, id: string): Promise<CredentialExchangeStep> {
    return this.step(tenantId, id, 'holder', 'offer-received', async (agent) => {
      await assertInTime(agent, id, 'offer-credential')
      await takeStep('The offer cannot be accepted: what it refers to cannot be resolved, or does not hold.', () =>
        agent.credentials.acceptOffer({ credentialExchangeRecordId: id }),
      )
    })
  }

  /** Issues what was requested, or has it issued as soon as a revocation registry is ready. */
  acceptRequest(tenantId: string, id: string): Promise<CredentialExchangeStep> {
    return this.step(tenantId, id, 'issuer', 'request-received', async (agent) => {
      await assertInTime(agent, id, 'request-credential')
      await this.issue(agent, id)
    })
  }

  /** @throws NOT_FOUND, CONFLICT where no credential waits to be stored, PROTOCOL_ERROR */
  acceptCredential(tenantId: string, id: string): Promise<CredentialExchangeStep> {
    return this.step(tenantId, id, 'holder', 'credential-received', async (agent) => {
      await assertInTime(agent, id, 'issue-credential')
      await takeStep('The credential cannot be accepted.', () =>
        agent.credentials.acceptCredential({ credentialExchangeRecordId: id }),
      )
    })
  }

  /** Turns an offer down, and tells the issuer why. */
  declineOffer(tenantId: string, id: string, reason?: string | null): Promise<CredentialExchangeStep> {
    checkOptional(reason, 'reason', { max: 1000, lines: true })
    return this.step(tenantId, id, 'holder', 'offer-received', (agent) =>
      takeStep('The offer cannot be declined.', () =>
        agent.credentials.declineOffer({
          credentialExchangeRecordId: id,
          sendProblemReport: true,
          problemReportDescription: reason ?? undefined,
        }),
      ),
    )
  }

  /** Revokes what an exchange has issued; resolves once a status list that has it is served. */
  async revoke(tenantId: string, id: string): Promise<CredentialExchangeStep> {
    return { credentialExchange: await this.revocation.revoke(tenantId, id), invitation: null }
  }

  /** In a unit of work of the issuer. */
  private async issue(agent: WalletAgent, id: string): Promise<unknown> {
    const record = await agent.credentials.getById(id)
    if (await this.revocation.mayIssue(agent.context, record)) {
      return takeStep('The request cannot be answered: it does not hold.', () =>
        agent.credentials.acceptRequest({ credentialExchangeRecordId: id }),
      )
    }
    keepNotes(record, { waiting: true })
    return agent.credentials.update(record)
  }

  private async offerToAnyone(
    agent: WalletAgent,
    unit: Unit,
    offer: Parameters<WalletAgent['credentials']['createOffer']>[0],
    handshake: boolean,
  ): Promise<CredentialExchangeStep> {
    const made = await takeStep(OFFER_FAILED, () => agent.credentials.createOffer(offer))
    const invitation = await inviteWith(agent, unit, {
      message: made.message,
      goalCode: 'aries.vc.issue',
      handshake,
      domain: this.domainOf(agent.owner.settings),
    })
    keepNotes(made.credentialExchangeRecord, { invitationId: invitation.id })
    await agent.credentials.update(made.credentialExchangeRecord)
    return { credentialExchange: await viewIn(unit, made.credentialExchangeRecord.id), invitation }
  }

  private step(
    tenantId: string,
    id: string,
    role: 'issuer' | 'holder',
    state: string,
    step: (agent: WalletAgent, unit: Unit, record: RecordJson) => Promise<unknown>,
  ): Promise<CredentialExchangeStep> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await recordIn(unit, EXCHANGE_RECORD, id, WHAT)
      assertStep(record, role, state)
      await step(agent, unit, record)
      return { credentialExchange: await viewIn(unit, id), invitation: null }
    })
  }
}

const OFFER_FAILED = 'The offer cannot be made: its schema cannot be resolved.'

function assertStep(record: RecordJson, role: string, state: string): void {
  const { role: own, state: current } = credentialExchangeView(record)
  if (record['role'] !== role) throw conflict(`The tenant is the ${own} of this exchange.`)
  if (record['state'] !== state)
    throw conflict(`The exchange is ${current}, and has to be ${fromCredo(state)} for this.`)
}

async function viewIn(unit: Unit, id: string): Promise<CredentialExchangeType> {
  return credentialExchangeView(await recordIn(unit, EXCHANGE_RECORD, id, WHAT))
}

function checkAttributes(attributes: readonly AttributeInput[]): { name: string; value: string }[] {
  if (attributes.length > ATTRIBUTES_MAX) {
    throw badInput(`A credential has at most ${ATTRIBUTES_MAX} attributes.`, 'input.attributes')
  }
  for (const { name, value } of attributes) {
    checkText(name, 'input.attributes')
    checkText(value, 'input.attributes', { min: 0, max: VALUE_MAX, lines: true })
  }
  return attributes.map(({ name, value }) => ({ name, value }))
}

type Issued = 'ANONCREDS' | 'INDY' | 'DATA_INTEGRITY'

/** @throws BAD_USER_INPUT for a format that is not issued, or that cannot have these values */
function checkFormat(format: string, attributes: readonly AttributeInput[]): Issued {
  if (format !== 'ANONCREDS' && format !== 'INDY' && format !== 'DATA_INTEGRITY') {
    throw badInput('Credentials are issued as ANONCREDS, INDY and DATA_INTEGRITY.', 'input.format')
  }
  if (format === 'DATA_INTEGRITY' && attributes.some(({ value }) => !isKeptAsW3c(value))) {
    throw badInput('This format has no empty values, and writes whole numbers as 7, not 007 or +7.', 'input.attributes')
  }
  return format
}

/** The W3C form has what reads as a number of 32 bits as one, and Credo takes no empty value in it. */
const isKeptAsW3c = (value: string) => value !== '' && (!/^[+-]?\d+$/.test(value) || /^(0|-?[1-9]\d*)$/.test(value))

/** As Credo wants what is offered. */
function offeredAs(format: Issued, offered: OfferedCredential) {
  const { credentialDefinitionId, attributes } = offered
  if (format === 'DATA_INTEGRITY') return { dataIntegrity: dataIntegrityOffer(offered) }
  if (format === 'INDY') {
    if (!isLedgerDid(offered.issuerDid)) {
      throw badInput('INDY is for credential definitions of a did:indy.', 'input.format')
    }
    const named = unqualified.definitionId(credentialDefinitionId)
    return { indy: { credentialDefinitionId: named, attributes: [...attributes] } }
  }
  return { anoncreds: { credentialDefinitionId, attributes: [...attributes] } }
}

/** @throws BAD_USER_INPUT where not each attribute of the schema has one value */
function assertSame(wanted: readonly string[], given: readonly string[]): void {
  const missing = wanted.filter((name) => !given.includes(name))
  const isExact = missing.length === 0 && given.length === wanted.length
  if (!isExact) {
    throw badInput(`Give one value for each attribute of the schema: ${wanted.join(', ')}.`, 'input.attributes')
  }
}
