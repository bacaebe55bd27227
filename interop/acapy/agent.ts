import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { json } from 'node:stream/consumers'
import { freePort } from '../../test/support/ports.js'
import { tempDir } from '../../test/support/services.js'
import { eventually } from '../../test/support/talk.js'
import type { InviteOptions, Json, PeerAgent, PeerWallet } from '../peer-wallet.js'

const ADMIN_KEY = 'interop-admin-key'
const START_MS = 120_000

/** What an agent's webhooks tell. */
interface Told {
  topic: string
  walletId: string | undefined
  body: Json
}

export interface AcapyOptions {
  /** The Python that has ACA-Py. */
  python: string
  /** Hosts wallets for many, by its own multi-tenancy. */
  multitenant?: boolean
  /** What the command line has beside what every agent needs. */
  flags?: string[]
}

/** ACA-Py, started by us on free ports, with a store and webhooks of its own. */
export class AcapyAgent implements PeerAgent {
  private readonly told: Told[] = []

  private constructor(
    private readonly process: ChildProcess,
    private readonly hooks: Server,
    private readonly folder: { path: string; remove(): void },
    private readonly adminUrl: string,
    private readonly output: () => string,
    private readonly multitenant = false,
  ) {}

  static async start({ python, multitenant, flags = [] }: AcapyOptions): Promise<AcapyAgent> {
    const folder = tempDir()
    const [admin, inbound] = [await freePort(), await freePort()]
    const hooks = createServer().listen(0, '127.0.0.1')
    await once(hooks, 'listening')
    const { port } = hooks.address() as AddressInfo
    const wallets = ['--multitenant', '--multitenant-admin', '--jwt-secret', 'interop-jwt-secret']
    const shared = ['--multitenancy-config', JSON.stringify({ wallet_type: 'askar-profile', wallet_name: 'tenants' })]
    const args = [
      ...['start', '--label', 'ACA-Py', '--no-ledger', '--auto-provision', '--log-level', 'warning'],
      ...['--wallet-type', 'askar', '--wallet-name', 'base', '--wallet-key', 'interop-wallet-key'],
      ...['--admin', '127.0.0.1', `${admin}`, '--admin-api-key', ADMIN_KEY],
      ...['--inbound-transport', 'http', '127.0.0.1', `${inbound}`, '--outbound-transport', 'http'],
      ...['--endpoint', `http://127.0.0.1:${inbound}`, '--webhook-url', `http://127.0.0.1:${port}`],
      ...['--auto-accept-invites', '--auto-accept-requests', '--auto-ping-connection', '--monitor-ping'],
      ...(multitenant ? [...wallets, ...shared] : []),
      ...flags,
    ]
    const child = spawn(join(dirname(python), 'aca-py'), args, {
      env: { PATH: process.env['PATH'], HOME: folder.path, PYTHONUNBUFFERED: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output = (output + chunk).slice(-5000)))
    const agent = new AcapyAgent(child, hooks, folder, `http://127.0.0.1:${admin}`, () => output, multitenant)
    hooks.on('request', async (request, response) => {
      const [, topic = ''] = /^\/topic\/([\w-]+)/.exec(request.url ?? '') ?? []
      agent.told.push({
        topic,
        walletId: request.headers['x-wallet-id'] as string | undefined,
        body: await json(request),
      })
      response.end()
    })
    try {
      await agent.ready()
    } catch (error) {
      await agent.stop()
      throw error
    }
    return agent
  }

  /** The wallet of a single agent, or one more of a multitenant one. */
  async wallet(): Promise<AcapyWallet> {
    if (!this.multitenant) return new AcapyWallet(this, {}, undefined)
    const name = `wallet-${Math.random()}`
    const { token, wallet_id } = await this.ask('POST', '/multitenancy/wallet', {
      wallet_name: name,
      wallet_key: 'interop-tenant-key',
      wallet_type: 'askar',
      wallet_dispatch_type: 'base',
      label: name,
    })
    return new AcapyWallet(this, { authorization: `Bearer ${token}` }, wallet_id)
  }

  another(): Promise<AcapyWallet> {
    return this.wallet()
  }

  /** @throws {Error} with what the agent answers in place of a 2xx */
  async ask(method: 'GET' | 'POST', path: string, body?: object, headers: Record<string, string> = {}): Promise<Json> {
    const response = await fetch(`${this.adminUrl}${path}`, {
      method,
      headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`ACA-Py answers ${method} ${path} by ${response.status}: ${text.slice(0, 300)}`)
    return JSON.parse(text)
  }

  /** Waits until a webhook tells something, past or to come. */
  heard(topic: string, walletId: string | undefined, isIt: (body: Json) => boolean): Promise<Json> {
    return eventually(async () => {
      const matches = (told: Told) =>
        told.topic === topic && (walletId === undefined || told.walletId === walletId) && isIt(told.body)
      return this.told.find(matches)?.body
    })
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGTERM')
      const timer = setTimeout(() => this.process.kill('SIGKILL'), 5000)
      await once(this.process, 'exit')
      clearTimeout(timer)
    }
    this.hooks.close()
    this.hooks.closeAllConnections()
    this.folder.remove()
  }

  private async ready(): Promise<void> {
    await eventually(async () => {
      const isOver = this.process.exitCode !== null
      return isOver || (await this.ask('GET', '/status/ready').catch(() => ({ ready: false }))).ready
    }, START_MS)
    if (this.process.exitCode !== null) throw new Error(`ACA-Py does not start:\n${this.output()}`)
  }
}

/** One wallet at an ACA-Py agent, by its admin API. */
export class AcapyWallet implements PeerWallet {
  /** Connections of invitations from before out-of-band ones, by the ids of these: ACA-Py does not find them so. */
  private readonly before = new Map<string, string>()

  constructor(
    private readonly agent: AcapyAgent,
    private readonly headers: Record<string, string>,
    private readonly walletId: string | undefined,
  ) {}

  async invite(protocol: string, { multiUse = false, didMethod, mediator }: InviteOptions = {}): Promise<Json> {
    const { invitation } = await this.ask(
      'POST',
      `/out-of-band/create-invitation?auto_accept=true&multi_use=${multiUse}`,
      {
        handshake_protocols: [protocol],
        ...(didMethod ? { use_did_method: didMethod } : {}),
        ...(mediator ? { mediation_id: mediator } : {}),
      },
    )
    return invitation
  }

  async inviteAsBefore(): Promise<Json> {
    const made = await this.ask('POST', '/connections/create-invitation?auto_accept=true', {})
    this.before.set(made.invitation['@id'], made.connection_id)
    return made.invitation
  }

  async inviteToMediate(): Promise<string> {
    const { invitation_url } = await this.ask(
      'POST',
      '/out-of-band/create-invitation?auto_accept=true&multi_use=true',
      { handshake_protocols: ['https://didcomm.org/didexchange/1.0'] },
    )
    return invitation_url
  }

  async mediatedBy(connectionId: string): Promise<string> {
    const { mediation_id: id } = await this.ask('POST', `/mediation/request/${connectionId}`, {})
    await eventually(async () => (await this.ask('GET', `/mediation/requests/${id}`)).state === 'granted')
    return id
  }

  async receive(invitation: object, didMethod?: string): Promise<string> {
    const accept = didMethod === undefined
    const path = `/out-of-band/receive-invitation?auto_accept=${accept}&use_existing_connection=false`
    const { connection_id: id } = await this.ask('POST', path, invitation)
    if (didMethod) await this.ask('POST', `/didexchange/${id}/accept-invitation?use_did_method=${didMethod}`)
    return id
  }

  async connected(connectionId: string): Promise<void> {
    await eventually(async () => {
      const { state } = await this.ask('GET', `/connections/${connectionId}`)
      return state === 'active' || state === 'completed'
    })
  }

  connectionsOf(invitation: { '@id': string }, count = 1): Promise<string[]> {
    const before = this.before.get(invitation['@id'])
    if (before) return this.connected(before).then(() => [before])
    return eventually(async () => {
      const { results } = await this.ask('GET', `/connections?invitation_msg_id=${invitation['@id']}`)
      const standing = results.filter(({ state }: Json) => state === 'active' || state === 'completed')
      return standing.length >= count && standing.map(({ connection_id }: Json) => connection_id)
    })
  }

  async say(connectionId: string, content: string): Promise<void> {
    await this.ask('POST', `/connections/${connectionId}/send-message`, { content })
  }

  async heard(connectionId: string, content: string): Promise<void> {
    const isIt = (body: Json) => body.connection_id === connectionId && body.content === content
    await this.agent.heard('basicmessages', this.walletId, isIt)
  }

  async ping(connectionId: string): Promise<void> {
    const { thread_id } = await this.ask('POST', `/connections/${connectionId}/send-ping`, {})
    const isIt = (body: Json) => body.thread_id === thread_id && body.state === 'response_received'
    await this.agent.heard('ping', this.walletId, isIt)
  }

  private ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Json> {
    return this.agent.ask(method, path, body, this.headers)
  }
}
