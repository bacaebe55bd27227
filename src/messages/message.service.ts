import { askAgent } from '../agent/agent-errors.js'
import { conflict } from '../lib/errors.js'
import type { Listed } from '../storage/list.js'
import { once } from '../tenants/idempotency.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import type { BasicMessageType, SendBasicMessageInput } from './message.type.js'
import { messageView } from './message.view.js'

const TYPE = 'BasicMessageRecord'

/** Basic messages (Aries RFC 0095) of a tenant's wallet. */
export class MessageService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
  ) {}

  list(
    tenantId: string,
    connectionId: string | null | undefined,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    return this.reader.list(tenantId, TYPE, 'messages', connectionId == null ? {} : { connectionId }, query)
  }

  /**
   * Lays a message in the outbox; messages of one connection leave in the order in which they were taken.
   * @throws NOT_FOUND, CONFLICT where the connection is not complete
   */
  send(tenantId: string, input: SendBasicMessageInput): Promise<BasicMessageType> {
    return this.sessions.transact(tenantId, (agent, unit) =>
      once(unit, 'sendBasicMessage', input, async () => {
        const connection = await askAgent('connection', () => agent.connections.getById(input.connectionId))
        if (!connection.isReady) throw conflict('The connection is not complete. Wait for COMPLETED.')
        const { id } = await askAgent('connection', () =>
          agent.basicMessages.sendMessage(input.connectionId, input.content, input.parentThreadId ?? undefined),
        )
        return messageView(await recordIn(unit, TYPE, id, 'message'))
      }),
    )
  }
}
