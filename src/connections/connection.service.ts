import type { DidCommConnectionsApi } from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import { conflict } from '../lib/errors.js'
import type { Listed } from '../storage/list.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import type { ConnectionFilter } from './connection.input.js'
import type { ConnectionType } from './connection.type.js'
import { connectionView, fromCredo, toCredo } from './connection.view.js'

const TYPE = 'ConnectionRecord'

/** Connections of a tenant's wallet. */
export class ConnectionService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
  ) {}

  async find(tenantId: string, id: string): Promise<ConnectionType | undefined> {
    const record = await this.reader.find(tenantId, TYPE, id)
    return record && connectionView(record)
  }

  list(
    tenantId: string,
    { state, alias, theirDid, invitationId }: ConnectionFilter,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    const filter = {
      ...(state ? { state: toCredo(state) } : {}),
      ...(alias != null ? { _alias: alias } : {}),
      ...(theirDid != null ? { theirDid } : {}),
      ...(invitationId != null ? { outOfBandId: invitationId } : {}),
    }
    return this.reader.list(tenantId, TYPE, 'connections', filter, query)
  }

  /** @throws NOT_FOUND, CONFLICT where no request waits */
  acceptRequest(tenantId: string, id: string): Promise<ConnectionType> {
    return this.goOn(tenantId, id, 'request-received', (connections) => connections.acceptRequest(id))
  }

  /** @throws NOT_FOUND, CONFLICT where no response waits */
  acceptResponse(tenantId: string, id: string): Promise<ConnectionType> {
    return this.goOn(tenantId, id, 'response-received', (connections) => connections.acceptResponse(id))
  }

  /** @throws NOT_FOUND */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sessions.transact(tenantId, (agent) => askAgent('connection', () => agent.connections.deleteById(id)))
  }

  /** @throws NOT_FOUND, CONFLICT where the connection is not complete */
  sendPing(tenantId: string, id: string): Promise<{ threadId: string }> {
    return this.sessions.transact(tenantId, async (agent) => {
      const connection = await askAgent('connection', () => agent.connections.getById(id))
      if (!connection.isReady) throw conflict('The connection is not complete. Wait for COMPLETED.')
      const ping = await askAgent('connection', () => agent.connections.sendPing(id))
      return { threadId: ping.threadId }
    })
  }

  private goOn(
    tenantId: string,
    id: string,
    state: string,
    step: (connections: DidCommConnectionsApi) => Promise<unknown>,
  ): Promise<ConnectionType> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const record = await recordIn(unit, TYPE, id, 'connection')
      if (record['state'] !== state)
        throw conflict(`The connection is ${connectionView(record).state}, and has to be ${fromCredo(state)} for this.`)
      await askAgent('connection', () => step(agent.connections))
      return connectionView(await recordIn(unit, TYPE, id, 'connection'))
    })
  }
}
