import { DidRepository } from '@credo-ts/core'
import {
  type DidCommConnectionRecord,
  DidCommHandshakeProtocol,
  type DidCommOutOfBandRecord,
  DidCommOutOfBandRepository,
  DidCommOutOfBandService,
  DidCommOutOfBandState,
  type DidCommRouting,
  DidCommRoutingService,
} from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import { receiveAttached } from '../agent/exchanges/attached-requests.js'
import { takeStep } from '../agent/exchanges/steps.js'
import { MADE } from '../agent/made-did.js'
import { invitationAt, invitationOf } from '../agent/outside-invitations.js'
import type { WalletSettings } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { badInput, conflict, notFound, protocolError } from '../lib/errors.js'
import { AddressRefused, type GuardedFetch } from '../lib/guarded-fetch.js'
import type { Logger } from '../lib/logger.js'
import type { Listed } from '../storage/list.js'
import type { Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { settingsOf } from '../tenants/settings.js'
import type { TenantStore } from '../tenants/tenant-store.js'
import { recordIn, recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import type { CreateInvitationInput, InvitationFilter, ReceiveInvitationInput } from './connection.input.js'
import type { ConnectionType } from './connection.type.js'
import { connectionView, toCredo } from './connection.view.js'
import type { InvitationType } from './invitation.type.js'
import { CHOICES, choicesOf, type InvitationChoices, invitationView, setDomain } from './invitation.view.js'

const TYPE = 'OutOfBandRecord'
const DID = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/
const DID_MAX = 2048

export interface Received {
  invitation: InvitationType
  connection: ConnectionType | null
}

/** Out-of-band invitations (Aries RFC 0434) of a tenant's wallet. */
export class InvitationService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
    private readonly fetch: GuardedFetch,
    private readonly tenants: TenantStore,
    /** What URLs are made with where nothing else is chosen. */
    private readonly domainOf: (tenant: WalletSettings) => string,
    private readonly logger: Logger,
  ) {}

  async find(tenantId: string, id: string): Promise<InvitationType | undefined> {
    const record = await this.reader.find(tenantId, TYPE, id)
    return record && invitationView(record, await this.domain(tenantId))
  }

  list(
    tenantId: string,
    { role, state, alias }: InvitationFilter,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    const filter = {
      ...(role ? { role: toCredo(role) } : {}),
      ...(state ? { state: toCredo(state) } : {}),
      ...(alias != null ? { _alias: alias } : {}),
    }
    return this.reader.list(tenantId, TYPE, 'invitations', filter, query)
  }

  /** @returns what shows a listed invitation of a tenant */
  async viewOf(tenantId: string): Promise<(listed: Listed) => InvitationType> {
    const domain = await this.domain(tenantId)
    return ({ entry }) => invitationView(recordOf(entry), domain)
  }

  /** @throws NOT_FOUND for a DID that is not the tenant's, CONFLICT for one that nobody can connect by */
  create(tenantId: string, input: CreateInvitationInput): Promise<InvitationType> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      if (input.domain) setDomain(unit, input.domain)
      const { label, imageUrl } = agent.owner.settings
      const chosen = settingsOf(agent.owner.settings)
      if (input.did != null) await assertReachable(agent, input.did)
      const routing = input.multiUse && input.did == null ? await oneWay(agent) : undefined
      const record = await askAgent('invitation', () =>
        agent.oob.createInvitation({
          label: input.label ?? chosen.invitationLabel ?? label,
          imageUrl: chosen.invitationImageUrl ?? imageUrl ?? undefined,
          alias: input.alias ?? undefined,
          goal: input.goal ?? undefined,
          goalCode: input.goalCode ?? undefined,
          multiUseInvitation: input.multiUse ?? false,
          routing,
          // Connections 1.0 has no answer by a DID.
          ...(input.did != null
            ? { invitationDid: input.did, handshakeProtocols: [DidCommHandshakeProtocol.DidExchange] }
            : {}),
          autoAcceptConnection: input.autoAccept ?? chosen.autoAcceptConnections,
        }),
      )
      if (input.domain) await keepChoices(agent, record.id, { domain: input.domain })
      return this.viewIn(agent, unit, record.id)
    })
  }

  /**
   * Receives an invitation, or a public DID in its place, and goes on with it unless it is not to.
   * @throws BAD_USER_INPUT where it is none, CONFLICT where it was received before, PEER_UNREACHABLE for a short URL,
   * PROTOCOL_ERROR for a DID that cannot be resolved, or has no service to connect by
   */
  async receive(tenantId: string, input: ReceiveInvitationInput): Promise<Received> {
    const take = await this.taker(tenantId, input)
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const autoAccept = input.autoAccept ?? settingsOf(agent.owner.settings).autoAcceptConnections
      const { outOfBandRecord } = await take(agent, unit, {
        label: '',
        autoAcceptInvitation: false,
        autoAcceptConnection: autoAccept,
      })
      outOfBandRecord.alias = input.alias ?? undefined
      outOfBandRecord.metadata.set(CHOICES, { label: input.label ?? undefined, autoAccept })
      await agent.context.resolve(DidCommOutOfBandRepository).update(agent.context, outOfBandRecord)
      if (!autoAccept) return { invitation: await this.viewIn(agent, unit, outOfBandRecord.id), connection: null }
      return this.goOn(agent, unit, outOfBandRecord.id)
    })
  }

  /** @throws NOT_FOUND, CONFLICT where it is not an invitation that waits to be accepted */
  accept(tenantId: string, id: string): Promise<Received> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await recordIn(unit, TYPE, id, 'invitation')
      if (record['role'] !== 'receiver' || record['state'] !== 'initial') {
        throw conflict('Only a received invitation that was not yet accepted can be accepted.')
      }
      return this.goOn(agent, unit, id)
    })
  }

  /** @throws NOT_FOUND */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sessions.transact(tenantId, (agent) => askAgent('invitation', () => agent.oob.deleteById(id)))
  }

  private async goOn(agent: WalletAgent, unit: Unit, id: string): Promise<Received> {
    const record = await recordIn(unit, TYPE, id, 'invitation')
    const { label, autoAccept } = choicesOf(record)
    const connectionRecord = await askAgent('invitation', () =>
      this.connect(agent, id, {
        label: label ?? agent.owner.settings.label,
        imageUrl: agent.owner.settings.imageUrl ?? undefined,
        alias: (record['alias'] as string | undefined) ?? undefined,
        autoAcceptConnection: autoAccept ?? true,
      }),
    )
    const connection = connectionRecord
      ? connectionView(await recordIn(unit, 'ConnectionRecord', connectionRecord.id, 'connection'))
      : null
    return { invitation: await this.viewIn(agent, unit, id), connection }
  }

  /**
   * Begins a handshake where the invitation has one. What it brings along is handled at once where it has none, else by
   * the unit of work that completes the connection.
   */
  private async connect(
    agent: WalletAgent,
    id: string,
    options: { label: string; imageUrl?: string; alias?: string; autoAcceptConnection: boolean },
  ): Promise<DidCommConnectionRecord | undefined> {
    const record = await agent.oob.getById(id)
    const { handshakeProtocols } = record.outOfBandInvitation
    if (record.outOfBandInvitation.getRequests() === undefined) {
      const accepted = await agent.oob.acceptInvitation(id, { ...options, reuseConnection: false })
      return accepted.connectionRecord
    }
    await agent.context
      .resolve(DidCommOutOfBandService)
      .updateState(agent.context, record, DidCommOutOfBandState.PrepareResponse)
    if (!handshakeProtocols?.length) {
      await receiveAttached(agent, record)
      return undefined
    }
    const protocol = handshakeOf(handshakeProtocols)
    if (!protocol) throw protocolError('The invitation asks for a handshake that this gateway does not know.')
    return agent.connections.acceptOutOfBandInvitation(record, { ...options, protocol })
  }

  private async viewIn(agent: WalletAgent, unit: Unit, id: string): Promise<InvitationType> {
    return invitationView(await recordIn(unit, TYPE, id, 'invitation'), this.domainOf(agent.owner.settings))
  }

  private async domain(tenantId: string): Promise<string> {
    const tenant = await this.tenants.find(tenantId)
    if (!tenant) throw notFound('tenant')
    return this.domainOf(tenant)
  }

  /** Gets what is to be received, from outside where it is behind a short URL. It is read anew for each try of a unit. */
  private async taker(tenantId: string, { url, message, did }: ReceiveInvitationInput): Promise<Take> {
    if ([url, message, did].filter((given) => given != null).length !== 1)
      throw badInput('Give url, message or did, one of them.', 'input.url')
    if (did != null) return takeDid(did)
    const parse =
      message != null
        ? invitationOf(message, 'input.message')
        : await invitationAt(url as string, this.fetch, 'input.url').catch((error: Error) => {
            this.tellRefused(tenantId, error.cause)
            throw error
          })
    return async (agent, unit, options) => {
      const invitation = parse()
      const known = await unit.query(TYPE, { invitationId: invitation.id, role: 'receiver' })
      if (known.length > 0) {
        throw conflict('This invitation was received before. Go on with what came of it, or ask for a new one.')
      }
      return askAgent('invitation', () => agent.oob.receiveInvitation(invitation, options))
    }
  }

  /** Tenants are not told what is refused: it would tell them about the network. The operator may want to allow it. */
  private tellRefused(tenantId: string, cause: unknown): void {
    if (!(cause instanceof AddressRefused)) return
    const { host } = cause
    this.logger.warn('An invitation leads to an address that is not public; ALLOW_ADDRESSES can allow it', {
      tenantId,
      host,
    })
  }
}

/** Lays down what was received, in a unit of the wallet. */
type Take = (
  agent: WalletAgent,
  unit: Unit,
  options: { label: string; autoAcceptInvitation: false; autoAcceptConnection: boolean },
) => Promise<{ outOfBandRecord: DidCommOutOfBandRecord }>

/** A public DID: who has it can be asked for a connection as often as one wants. */
function takeDid(did: string): Take {
  if (did.length > DID_MAX || !DID.test(did)) throw badInput('Give a DID without path, query or fragment.', 'input.did')
  return (agent, _unit, options) =>
    takeStep('The DID cannot be resolved, or names no service to connect by.', () =>
      agent.oob.receiveImplicitInvitation({ ...options, did }),
    )
}

async function assertReachable({ context }: WalletAgent, did: string): Promise<void> {
  const record = await context.resolve(DidRepository).findCreatedDid(context, did)
  if (!record?.metadata.get(MADE)) throw notFound('DID')
  const { recipientKeyFingerprints: keys = [] } = record.getTags()
  if (keys.length === 0)
    throw conflict('Nobody can connect by this DID. Use updateDid with didcomm: true.', 'input.did')
}

/** The handshake to answer with, by the protocols that an invitation names, the newest that we know first. */
function handshakeOf(protocols: readonly string[]): DidCommHandshakeProtocol | undefined {
  const known = [DidCommHandshakeProtocol.DidExchange, DidCommHandshakeProtocol.Connections]
  const nameOf = (protocol: string) => protocol.replace(/^.*\/([^/]+\/\d+)\..*$/, '$1')
  return known.find((protocol) => protocols.some((named) => nameOf(named) === nameOf(protocol)))
}

async function keepChoices(agent: WalletAgent, id: string, choices: InvitationChoices): Promise<void> {
  const record = await agent.oob.getById(id)
  record.metadata.set(CHOICES, choices)
  await agent.context.resolve(DidCommOutOfBandRepository).update(agent.context, record)
}

/**
 * One for many names one endpoint, as ACA-Py takes no other; where there are more, a WebSocket, the DID document that each
 * connection gets has them all.
 */
async function oneWay({ context }: WalletAgent): Promise<DidCommRouting> {
  const routing = await context.resolve(DidCommRoutingService).getRouting(context)
  return { ...routing, endpoints: routing.endpoints.slice(0, 1) }
}
