import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Json } from '../peer-wallet.js'
import { serve, tell } from './control.js'

// A stock agent of Credo 0.5: `stock-0.5.js <folder> <port> <folder of its packages>`. Its own, as the two cannot share one.
const [folder = '', port = '', packages = ''] = process.argv.slice(2)
const load = createRequire(join(packages, 'package.json')) as (name: string) => Json
load('reflect-metadata')
const core = load('@credo-ts/core')
const { AskarModule } = load('@credo-ts/askar')
const { agentDependencies, HttpInboundTransport } = load('@credo-ts/node')
const { ariesAskar } = load('@hyperledger/aries-askar-nodejs')

/** Its signals are of a package, which the `fetch` of Node 24 does not take; they end a request after 15 seconds. */
const fetchWithoutSignal = (url: string, { signal: _signal, ...init }: RequestInit = {}) => fetch(url, init)

const agent = new core.Agent({
  config: {
    label: 'Credo 0.5',
    endpoints: [`http://127.0.0.1:${port}`],
    walletConfig: {
      id: 'stock',
      key: 'interop-key',
      keyDerivationMethod: core.KeyDerivationMethod.Argon2IInt,
      storage: { type: 'sqlite', config: { inMemory: false, path: `${folder}/stock.db` } },
    },
  },
  dependencies: { ...agentDependencies, fetch: fetchWithoutSignal },
  modules: {
    askar: new AskarModule({ ariesAskar }),
    connections: new core.ConnectionsModule({ autoAcceptConnections: true }),
    mediator: new core.MediatorModule({ autoAcceptMediationRequests: true }),
    mediationRecipient: new core.MediationRecipientModule({}),
  },
})
agent.registerInboundTransport(new HttpInboundTransport({ port: Number(port) }))
agent.registerOutboundTransport(new core.HttpOutboundTransport())
agent.registerOutboundTransport(new core.WsOutboundTransport())
await agent.initialize()

agent.events.on('BasicMessageStateChanged', ({ payload }: Json) => {
  const { role, connectionId, content } = payload.basicMessageRecord
  if (role === 'receiver') tell({ heard: { connectionId, content } })
})
agent.events.on('TrustPingResponseReceivedEvent', ({ payload }: Json) =>
  tell({ answered: { threadId: payload.message.threadId } }),
)
serve({ ...partsOf(agent), connectionsConfig: agent.connections.config }, () => agent.shutdown())

function partsOf({ oob, connections, basicMessages, mediationRecipient }: Json) {
  return { oob, connections, basicMessages, mediationRecipient }
}
