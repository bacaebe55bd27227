import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { NoFileSystem } from '../../src/agent/file-system.js'
import { loadAskar } from '../../src/askar/index.js'

// A stock Credo agent that mediates, over HTTP: `mediator-process.js <folder> <port>`. What it has told lies in the folder.
const [folder = '', port = ''] = process.argv.slice(2)
const askar = await loadAskar({ binding: 'nodejs' })
const { AskarModule } = await import('@credo-ts/askar')
const core = await import('@credo-ts/core')
const didcomm = await import('@credo-ts/didcomm')

const url = `http://127.0.0.1:${port}`
/** Whether it takes WebSockets, beside HTTP. */
const SOCKETS = process.env['SOCKETS'] === 'on'
/** Whether it keeps what it forwards until that is fetched. */
const QUEUES = process.env['QUEUES'] === 'on'
/** Whether what it has handed over is handed over again until it is acknowledged, as Aries RFC 0685 has it: stock does not. */
const HANDS_OVER_AGAIN = process.env['HANDS_OVER_AGAIN'] === 'on'
/** Answers to keylist updates are held back for so long (ms). */
const SLOWLY_MS = Number(process.env['SLOWLY_MS'] ?? '0')

const outbound = {
  supportedSchemes: ['http', 'https'],
  async start() {},
  async stop() {},
  async sendMessage({ payload, endpoint = '' }: { payload: unknown; endpoint?: string }) {
    const headers = { 'content-type': 'application/didcomm-envelope-enc' }
    const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(payload) })
    if (!response.ok) throw new Error(`Not delivered: ${response.status}`)
  },
}

/** All that the agent needs of a file system. */
class Folder extends NoFileSystem {
  override exists = (async (path: string) => existsSync(path)) as never
  override createDirectory = (async () => {}) as never
}

/** What a test may ask, see `Told`. */
const told = { updates: [] as number[], atOnce: 0, forwards: 0, handedOver: 0 }

class FaithfulQueue extends didcomm.InMemoryQueueTransportRepository {
  override takeFromQueue(
    ...args: Parameters<InstanceType<typeof didcomm.InMemoryQueueTransportRepository>['takeFromQueue']>
  ) {
    const taken = super.takeFromQueue(...args)
    for (const message of taken as { state?: string }[]) message.state = 'pending'
    told.handedOver += taken.length
    return taken
  }
}

const agent = new core.Agent({
  config: { allowInsecureHttpUrls: true },
  dependencies: {
    FileSystem: Folder as never,
    EventEmitterClass: EventEmitter,
    WebSocketClass: WebSocket as never,
    fetch,
  },
  modules: {
    askar: new AskarModule({
      askar: askar as never,
      store: {
        id: 'mediator',
        key: 'mediator-key',
        keyDerivationMethod: 'kdf:argon2i:int' as never,
        database: { type: 'sqlite', config: { path: join(folder, 'mediator.db') } } as never,
      },
    }),
    dids: new core.DidsModule({
      resolvers: [new core.KeyDidResolver(), new core.PeerDidResolver()],
      registrars: [new core.KeyDidRegistrar(), new core.PeerDidRegistrar()],
    }),
    didcomm: new didcomm.DidCommModule({
      endpoints: SOCKETS ? [url, url.replace('http', 'ws')] : [url],
      transports: { outbound: [outbound as never] },
      connections: { autoAcceptConnections: true },
      mediator: {
        autoAcceptMediationRequests: true,
        messageForwardingStrategy: QUEUES
          ? didcomm.DidCommMessageForwardingStrategy.QueueOnly
          : didcomm.DidCommMessageForwardingStrategy.DirectDelivery,
      },
      mediationRecipient: false,
      ...(HANDS_OVER_AGAIN ? { queueTransportRepository: new FaithfulQueue() } : {}),
      messagePickup: true,
      basicMessages: false,
      credentials: false,
      proofs: false,
    }),
  },
})
await agent.initialize()

let inHand = 0
const receiver = agent.context.resolve(didcomm.DidCommMessageReceiver)
const sessions = agent.context.resolve(didcomm.DidCommTransportService)
const handlers = agent.context.resolve(didcomm.DidCommMessageHandlerRegistry)
handlers.registerMessageHandlerMiddleware(async ({ message }, next) => {
  if (message.type.endsWith('/forward')) told.forwards += 1
  if (!(message instanceof didcomm.DidCommKeylistUpdateMessage)) return next()
  told.updates.push(message.updates.length)
  told.atOnce = Math.max(told.atOnce, ++inHand)
  await sleep(SLOWLY_MS)
  await next()
  inHand -= 1
})

const invitationFile = join(folder, 'invitation')
if (!existsSync(invitationFile)) {
  const { outOfBandInvitation } = await agent.modules.didcomm.oob.createInvitation({
    label: 'A mediator',
    multiUseInvitation: true,
    autoAcceptConnection: true,
  })
  writeFileSync(invitationFile, outOfBandInvitation.toUrl({ domain: url }))
}

// An answer says that a message is handled: what a kill cuts is sent again by whoever sent it.
const server = createServer(async (request, response) => {
  if (request.method === 'DELETE') return void forget().then(() => response.end())
  if (request.method === 'GET') return void response.end(JSON.stringify({ ...told, keys: await keys() }))
  // Answers go back in the response where that is asked for (Aries RFC 0092).
  const session = {
    id: randomUUID(),
    type: 'http',
    send: async (_context: unknown, envelope: unknown) => void response.writeHead(200).end(JSON.stringify(envelope)),
    close: async () => {},
  }
  try {
    await receiver.receiveMessage(JSON.parse((await buffer(request)).toString()), { session })
    if (!response.writableEnded) response.writeHead(202).end()
  } catch (error) {
    console.error(error)
    response.writeHead(500).end()
  } finally {
    sessions.removeSession(session)
  }
})
if (SOCKETS)
  new WebSocketServer({ server }).on('connection', (socket) => {
    const session = {
      id: randomUUID(),
      type: 'WebSocket',
      send: async (_context: unknown, envelope: unknown) => socket.send(Buffer.from(JSON.stringify(envelope))),
      close: async () => socket.close(),
    }
    socket.on('close', () => sessions.removeSession(session))
    socket.on('message', (data) => {
      receiver.receiveMessage(JSON.parse(data.toString()), { session }).catch(console.error)
    })
  })
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${readFileSync(invitationFile, 'utf8')}\n`))

/** Loses its keylists, as one that was put back to an older copy. */
async function forget(): Promise<void> {
  const repository = agent.context.resolve(didcomm.DidCommMediationRepository)
  for (const record of await repository.getAll(agent.context)) {
    record.recipientKeys = []
    await repository.update(agent.context, record)
  }
}

/** The keys that it forwards for. */
async function keys(): Promise<string[]> {
  const records = await agent.context.resolve(didcomm.DidCommMediationRepository).getAll(agent.context)
  return records.flatMap(({ recipientKeys }) => recipientKeys)
}
