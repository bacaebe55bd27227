import {
  type DidCommConnectionRecord,
  DidCommConnectionRepository,
  DidCommDidExchangeState,
  DidCommMediationRecord,
  DidCommMediationRepository,
  DidCommMediationRequestMessage,
  DidCommMediationRole,
  DidCommMediationState,
  DidCommMessageSender,
  DidCommOutboundMessageContext,
  type DidCommOutOfBandInvitation,
  DidCommOutOfBandRepository,
  DidCommRoutingService,
} from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import { invitationAt } from '../agent/outside-invitations.js'
import { NO_ENDPOINT, type RecordJson } from '../agent/ports.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import { badInput, conflict, notFound } from '../lib/errors.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'
import { isWaitingInOutbox } from '../relay/outbox.js'
import type { Profiles } from '../storage/profiles.js'
import { BASE_PROFILE } from '../storage/store.js'
import type { Collector, Unit } from '../storage/unit.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, recordOf } from '../tenants/wallet-reader.js'
import type { Keylist } from './keylist.js'
import type { MediationGrantType, MediatorKeysType } from './mediation.type.js'
import { GRANT, grantView } from './mediation.view.js'
import { auditMediator } from './mediator-audit.js'
import { choose, clearDefault, makeDefault } from './mediator-choice.js'

/** What another instance has chosen is seen after this time at the latest (ms). */
const KNOWN_MS = 1000
/** A handshake with a mediator that has come to nothing for this long may be begun anew (ms). */
const STUCK_MS = 60_000

/** The mediators of a wallet, by its name: a tenant's id, or the base wallet's. */
export class Mediators {
  private known: { grant: MediationGrantType | undefined; at: number } | undefined

  constructor(
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    private readonly keylist: Keylist,
    private readonly fetch: GuardedFetch,
    private readonly baseLabel: string,
    /** Has what mediators hold for a wallet fetched from now on; absent where they send it here. */
    private readonly beginFetching: ((wallet: string) => Promise<void>) | undefined,
  ) {}

  async list(wallet: string): Promise<MediationGrantType[]> {
    const entries = await this.profiles.of(wallet).query(GRANT, { role: DidCommMediationRole.Recipient })
    const records = entries.map((entry) => ({ record: recordOf(entry), tags: entry.tags }))
    records.sort((a, b) => String(a.record['createdAt']).localeCompare(String(b.record['createdAt'])))
    return records.map(({ record, tags }) => grantView(record, tags))
  }

  /** The base wallet's default mediator. */
  async ofBase(): Promise<MediationGrantType | undefined> {
    if (!this.known || Date.now() - this.known.at > KNOWN_MS) {
      const at = Date.now()
      const grant = (await this.list(BASE_PROFILE)).find((one) => one.default && one.state === 'GRANTED')
      this.known = { grant, at }
    }
    return this.known.grant
  }

  /** Has this instance look anew once a change in the base wallet is committed. */
  readonly baseChanged = (unit: Unit): void => unit.add(this.changes, true)

  private readonly changes: Collector<true> = {
    settle: () => ({
      changes: [],
      committed: () => {
        this.known = undefined
      },
    }),
  }

  /**
   * Connects to a mediator by its invitation, and asks it for mediation; one that was connected by it is given as it is.
   * @param becomesDefault whether it is the default once it grants
   * @throws BAD_USER_INPUT with `field` for what is no invitation, PEER_UNREACHABLE for a short URL
   */
  async connect(wallet: string, url: string, field: string, becomesDefault = false): Promise<MediationGrantType> {
    const parse = await invitationAt(url, this.fetch, field)
    await this.beginFetching?.(wallet)
    return this.sessions.transact(wallet, async (agent, unit) => {
      const invitation = parse()
      const known = await this.knownBy(agent, unit, invitation.id)
      if (known) return viewIn(unit, known.id)
      const id = await this.begin(agent, invitation, field, becomesDefault)
      auditMediator(unit, 'MEDIATOR_CONNECTED', id)
      return viewIn(unit, id)
    })
  }

  /** @throws NOT_FOUND, CONFLICT for one that has not granted mediation */
  setDefault(wallet: string, grantId: string | null): Promise<MediationGrantType | null> {
    return this.sessions.transact(wallet, async ({ context }, unit) => {
      if (grantId === null) {
        await clearDefault(context)
        auditMediator(unit, 'MEDIATOR_CHOSEN', null)
        return null
      }
      const grant = await context.resolve(DidCommMediationRepository).findById(context, grantId)
      if (grant?.role !== DidCommMediationRole.Recipient) throw notFound('mediator')
      if (!grant.isReady) throw conflict('This mediator has not granted mediation. Wait for GRANTED.', 'grantId')
      await makeDefault(context, grant)
      auditMediator(unit, 'MEDIATOR_CHOSEN', grantId)
      return viewIn(unit, grantId)
    })
  }

  /** Has a mediator told anew of all keys that it should know. @throws NOT_FOUND, CONFLICT */
  async sync(wallet: string, grantId: string): Promise<MediationGrantType> {
    const grant = await this.find(wallet, grantId)
    if (grant.state !== 'GRANTED')
      throw conflict('This mediator has not granted mediation. Wait for GRANTED.', 'grantId')
    await this.keylist.renew({ wallet, grantId })
    return grant
  }

  /** How many keys a mediator knows, and of how many it is still to be told. @throws NOT_FOUND */
  async keys(wallet: string, grantId: string): Promise<MediatorKeysType> {
    const { id } = await this.find(wallet, grantId)
    return this.keylist.counts({ wallet, grantId: id })
  }

  private async find(wallet: string, grantId: string): Promise<MediationGrantType> {
    const grant = (await this.list(wallet)).find(({ id }) => id === grantId)
    if (!grant) throw notFound('mediator')
    return grant
  }

  /** The mediator that an invitation led to. One whose handshake has come to nothing is forgotten. */
  private async knownBy(agent: WalletAgent, unit: Unit, invitationId: string): Promise<RecordJson | undefined> {
    const { context } = agent
    for (const { name } of await unit.query('OutOfBandRecord', { invitationId, role: 'receiver' })) {
      const [connection] = await agent.connections.findAllByOutOfBandId(name)
      const [entry] = connection ? await unit.query(GRANT, { connectionId: connection.id }) : []
      if (!connection || !entry) throw conflict('This invitation was received before. Ask the mediator for a new one.')
      if (!(await isStuck(unit, recordOf(entry), connection))) return recordOf(entry)
      await this.keylist.drop(unit, entry.name)
      await context.resolve(DidCommMediationRepository).deleteById(context, entry.name)
      await context.resolve(DidCommConnectionRepository).delete(context, connection)
      await context.resolve(DidCommOutOfBandRepository).deleteById(context, name)
    }
    return undefined
  }

  /** Begins the handshake. That mediation is asked for next is noted with it. */
  private async begin(
    agent: WalletAgent,
    invitation: DidCommOutOfBandInvitation,
    field: string,
    becomesDefault: boolean,
  ): Promise<string> {
    const { context } = agent
    if (!invitation.handshakeProtocols?.length) throw badInput('This invitation is not one to connect.', field)
    // A mediator is reached through the base wallet's, never through itself.
    const routing = await context.resolve(DidCommRoutingService).getRouting(context, { useDefaultMediator: false })
    const isFetched = this.beginFetching !== undefined && routing.mediatorId === undefined
    if (isFetched) routing.endpoints = [NO_ENDPOINT]
    const { connectionRecord } = await askAgent('invitation', () =>
      agent.oob.receiveInvitation(invitation, {
        label: agent.isBase ? this.baseLabel : agent.owner.settings.label,
        routing,
        autoAcceptInvitation: true,
        autoAcceptConnection: true,
        reuseConnection: false,
      }),
    )
    if (!connectionRecord) throw badInput('This invitation is not one to connect.', field)
    const grant = new DidCommMediationRecord({
      connectionId: connectionRecord.id,
      threadId: new DidCommMediationRequestMessage({}).threadId,
      role: DidCommMediationRole.Recipient,
      state: DidCommMediationState.Requested,
    })
    choose(grant, { becomesDefault, isFetched })
    await context.resolve(DidCommMediationRepository).save(context, grant)
    return grant.id
  }
}

/** Asks for mediation on a connection that has just been completed, where it is one to a mediator. */
export async function requestMediation({ context }: WalletAgent, connectionId: string): Promise<void> {
  const [grant] = await context.resolve(DidCommMediationRepository).findByQuery(context, {
    connectionId,
    role: DidCommMediationRole.Recipient,
    state: DidCommMediationState.Requested,
  })
  if (!grant) return
  const connection = await context.resolve(DidCommConnectionRepository).getById(context, connectionId)
  const message = new DidCommMediationRequestMessage({})
  message.id = grant.threadId
  const outbound = new DidCommOutboundMessageContext(message, { agentContext: context, connection })
  await context.resolve(DidCommMessageSender).sendMessage(outbound)
}

/** Nothing waits to be sent, and nothing has come for long. */
async function isStuck(unit: Unit, grant: RecordJson, connection: DidCommConnectionRecord): Promise<boolean> {
  if (grant['state'] === DidCommMediationState.Granted) return false
  if (grant['state'] === DidCommMediationState.Denied) return true
  if (connection.state === DidCommDidExchangeState.Abandoned) return true
  const since = Date.parse(String(connection.updatedAt?.toISOString() ?? grant['createdAt']))
  return Date.now() - since > STUCK_MS && !(await isWaitingInOutbox(unit, connection.id))
}

async function viewIn(unit: Unit, id: string): Promise<MediationGrantType> {
  const record = await recordIn(unit, GRANT, id, 'mediator')
  return grantView(record, (await unit.fetch(GRANT, id))?.tags ?? {})
}
