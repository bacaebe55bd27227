import { startStockAgent } from '../../test/support/stock-agent.js'
import type { Json } from '../peer-wallet.js'
import { serve, tell } from './control.js'

// A stock agent of the Credo that this project has: `stock-0.6.js <folder> <port>`.
const [folder = '', port = ''] = process.argv.slice(2)

const agent = await startStockAgent(
  {
    id: 'stock',
    key: 'interop-key',
    keyDerivationMethod: 'kdf:argon2i:int',
    database: { type: 'sqlite', config: { path: `${folder}/stock.db` } },
  },
  Number(port),
  {},
  true,
)
const { oob, connections, basicMessages, mediationRecipient } = agent.modules.didcomm as Json
agent.events.on('DidCommBasicMessageStateChanged', ({ payload }: Json) => {
  const { role, connectionId, content } = payload.basicMessageRecord
  if (role === 'receiver') tell({ heard: { connectionId, content } })
})
agent.events.on('DidCommTrustPingResponseReceivedEvent', ({ payload }: Json) =>
  tell({ answered: { threadId: payload.message.threadId } }),
)
serve({ oob, connections, connectionsConfig: connections.config, basicMessages, mediationRecipient }, () =>
  agent.shutdown(),
)
