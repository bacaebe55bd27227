import type { DidCommMediatorPickupStrategy } from '@credo-ts/didcomm'
import { startStockAgent } from '../support/stock-agent.js'

// Stock Credo agents without an endpoint, each with a mediator: `edge-process.js <folder> <invitation URL> <strategy>…`.
// Tells by lines of JSON how each can be invited, and what it hears.
const [folder = '', mediatorInvitationUrl = '', ...strategies] = process.argv.slice(2)

export interface EdgeLine {
  strategy: string
  invitation?: unknown
  heard?: string
}

const tell = (line: EdgeLine) => process.stdout.write(`${JSON.stringify(line)}\n`)

// Where their mediator is away, Credo's polling rejects with nobody to hear it.
process.on('unhandledRejection', (reason) => console.error(reason))

await Promise.all(
  strategies.map(async (strategy) => {
    const agent = await startStockAgent(
      {
        id: strategy,
        key: 'edge-key',
        keyDerivationMethod: 'kdf:argon2i:int',
        database: { type: 'sqlite', config: { path: `${folder}/${strategy}.db` } },
      },
      undefined,
      {
        mediatorInvitationUrl,
        mediatorPickupStrategy: strategy as DidCommMediatorPickupStrategy,
        mediatorPollingInterval: 500,
        maximumMediatorReconnectionIntervalMs: 500,
      },
    )
    agent.events.on('DidCommBasicMessageStateChanged', ({ payload }) => {
      const { basicMessageRecord } = payload as { basicMessageRecord: { content: string; role: string } }
      if (basicMessageRecord.role === 'receiver') tell({ strategy, heard: basicMessageRecord.content })
    })
    const { outOfBandInvitation } = await agent.modules.didcomm.oob.createInvitation({ label: strategy })
    tell({ strategy, invitation: outOfBandInvitation.toJSON() })
  }),
)
