import { EventEmitter, once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { json } from 'node:stream/consumers'
import type { AskarModuleConfigStoreOptions } from '@credo-ts/askar'
import type { AgentContext, FileSystem, ModulesMap } from '@credo-ts/core'
import type {
  DidCommInboundTransport,
  DidCommMediationRecipientModule,
  DidCommModuleConfigOptions,
} from '@credo-ts/didcomm'
import { WebSocket } from 'ws'
import { loadAskar } from '../../src/askar/index.js'

export type StockStore = AskarModuleConfigStoreOptions

/** An agent as the documentation of Credo sets one up, reached at `/didcomm` of a port of its own. */
export type StockAgent = Awaited<ReturnType<typeof startStockAgent>>

/**
 * @param port where it is reached; without one it is not, and needs a mediator
 * @param mediates whether it grants mediation to whoever asks
 * @param more `folder` is where it puts what it downloads
 */
export async function startStockAgent(
  store: StockStore,
  port: number | undefined,
  mediation?: ConstructorParameters<typeof DidCommMediationRecipientModule>[0],
  mediates = false,
  more: { modules?: ModulesMap; didcomm?: DidCommModuleConfigOptions; folder?: string } = {},
) {
  // Before anything imports what Credo imports.
  const askar = await loadAskar({ binding: 'koffi' })
  const { Agent } = await import('@credo-ts/core')
  const { AskarModule } = await import('@credo-ts/askar')
  const { DidCommHttpOutboundTransport, DidCommMessageReceiver, DidCommModule, DidCommWsOutboundTransport } =
    await import('@credo-ts/didcomm')
  const receive = (context: AgentContext, message: unknown) =>
    context.dependencyManager.resolve(DidCommMessageReceiver).receiveMessage(message)
  const agent = new Agent({
    config: { allowInsecureHttpUrls: true },
    dependencies: {
      FileSystem: more.folder === undefined ? Files : filesIn(more.folder),
      EventEmitterClass: EventEmitter,
      WebSocketClass: WebSocket as never,
      fetch,
    },
    modules: {
      askar: new AskarModule({ askar, store }),
      didcomm: new DidCommModule({
        ...(port === undefined ? {} : { endpoints: [`http://127.0.0.1:${port}/didcomm`] }),
        transports: {
          inbound: port === undefined ? [] : [overHttp(port, receive)],
          outbound: [new DidCommHttpOutboundTransport(), new DidCommWsOutboundTransport()],
        },
        connections: { autoAcceptConnections: true },
        credentials: false,
        proofs: false,
        mediator: mediates ? { autoAcceptMediationRequests: true } : false,
        mediationRecipient: mediation ?? false,
        messagePickup: mediation !== undefined || mediates,
        ...more.didcomm,
      }),
      ...more.modules,
    },
  })
  await agent.initialize()
  return agent
}

function overHttp(
  port: number,
  receive: (context: AgentContext, message: unknown) => Promise<void>,
): DidCommInboundTransport {
  const server = createServer()
  const inWork = new Set<Promise<void>>()
  return {
    async start(context) {
      server.on('request', async (request, response) => {
        const message = await json(request)
        response.end()
        const work = receive(context, message).finally(() => inWork.delete(work))
        inWork.add(work)
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      await closed
      // The wallet is closed next.
      await Promise.all(inWork)
    },
  }
}

/** What a store in a file needs of a file system. */
class Files implements FileSystem {
  readonly dataPath = ''
  readonly cachePath: string = ''
  readonly tempPath = ''
  exists = async (path: string) => existsSync(path)
  createDirectory = async (path: string) => void (await mkdir(dirname(path), { recursive: true }))
  copyFile = refuse
  write = refuse
  read = refuse
  delete = refuse
  downloadToFile: FileSystem['downloadToFile'] = refuse
}

const filesIn = (folder: string) =>
  class extends Files {
    override readonly cachePath = folder
    override downloadToFile = async (url: string, path: string) => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, Buffer.from(await (await fetch(url)).arrayBuffer()))
    }
  }

async function refuse(): Promise<never> {
  throw new Error('A stock agent in tests needs no other files')
}
