import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../test/support/ports.js'
import { tempDir } from '../../test/support/services.js'
import { eventually } from '../../test/support/talk.js'
import type { InviteOptions, Json, PeerAgent, PeerWallet } from '../peer-wallet.js'
import type { Line, Orders } from './control.js'
import type { CredoPackages } from './environment.js'

const NUM_ALGOS: Record<string, number> = { 'did:peer:2': 2, 'did:peer:4': 4 }
const DID_EXCHANGE = 'https://didcomm.org/didexchange/1.0'

/** A stock Credo agent in a process of its own; it has one wallet. */
export class CredoAgent implements PeerAgent {
  private readonly told: Line[] = []
  private readonly others: CredoAgent[] = []
  private next = 0

  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: { remove(): void },
    private readonly output: () => string,
    private readonly packages: CredoPackages | undefined,
  ) {
    if (process.stdout) createInterface(process.stdout).on('line', (line) => this.take(line))
  }

  /** @param packages of an older version, which are elsewhere; else those of this project */
  static async start(packages?: CredoPackages): Promise<CredoAgent> {
    const folder = tempDir()
    const program = fileURLToPath(new URL(`./stock-${packages ? '0.5' : '0.6'}.js`, import.meta.url))
    const args = [program, folder.path, `${await freePort()}`, ...(packages ? [packages.folder] : [])]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...(packages ? { LIB_ARIES_ASKAR_PATH: packages.library } : {}) },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let output = ''
    child.stderr.on('data', (chunk) => (output = (output + chunk).slice(-5000)))
    const agent = new CredoAgent(child, folder, () => output, packages)
    try {
      await eventually(async () => agent.told.length > 0 || child.exitCode !== null, 60_000)
      if (child.exitCode !== null) throw new Error(`Credo does not start:\n${output}`)
      return agent
    } catch (error) {
      await agent.stop()
      throw error
    }
  }

  async wallet(): Promise<PeerWallet> {
    return new CredoWallet(this)
  }

  /** A Credo agent takes no invitation twice. */
  async another(): Promise<PeerWallet> {
    const other = await CredoAgent.start(this.packages)
    this.others.push(other)
    return other.wallet()
  }

  /** @throws {Error} with what the agent has thrown */
  async ask(name: keyof Orders, args: object = {}): Promise<Json> {
    const id = ++this.next
    this.process.stdin?.write(`${JSON.stringify({ id, do: name, with: args })}\n`)
    const { result, error } = await this.heard((line) => line.id === id)
    if (error !== undefined) throw new Error(`Credo, asked to ${name}: ${error}\n${this.output()}`)
    return result
  }

  /** Waits until the process tells something, past or to come. */
  heard(isIt: (line: Line) => boolean): Promise<Line> {
    return eventually(async () => this.told.find(isIt))
  }

  async stop(): Promise<void> {
    for (const other of this.others) await other.stop()
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, 'exit')
      this.process.stdin?.end()
      const timer = setTimeout(() => this.process.kill('SIGKILL'), 5000)
      await exited
      clearTimeout(timer)
    }
    this.folder.remove()
  }

  /** Credo, or what it uses, may write lines of its own. */
  private take(line: string): void {
    if (line.startsWith('{')) this.told.push(JSON.parse(line))
  }
}

class CredoWallet implements PeerWallet {
  constructor(private readonly agent: CredoAgent) {}

  invite(protocol: string, { multiUse, mediator }: InviteOptions = {}): Promise<Json> {
    return this.agent.ask('invite', { protocol, multiUse, mediator })
  }

  inviteAsBefore(): Promise<Json> {
    return this.agent.ask('inviteAsBefore')
  }

  async inviteToMediate(): Promise<string> {
    const invitation = await this.invite(DID_EXCHANGE, { multiUse: true })
    return `http://credo.example?oob=${Buffer.from(JSON.stringify(invitation)).toString('base64url')}`
  }

  mediatedBy(connectionId: string): Promise<string> {
    return this.agent.ask('mediatedBy', { connectionId })
  }

  receive(invitation: object, didMethod?: string): Promise<string> {
    const numAlgo = didMethod && NUM_ALGOS[didMethod]
    return this.agent.ask('receive', { invitation, numAlgo })
  }

  async connected(connectionId: string): Promise<void> {
    await eventually(async () => (await this.agent.ask('stateOf', { connectionId })) === 'completed')
  }

  connectionsOf(invitation: { '@id': string }, count = 1): Promise<string[]> {
    return eventually(async () => {
      const standing = await this.agent.ask('connectionsOf', { invitationId: invitation['@id'] })
      return standing.length >= count && standing
    })
  }

  async say(connectionId: string, content: string): Promise<void> {
    await this.agent.ask('say', { connectionId, content })
  }

  async heard(connectionId: string, content: string): Promise<void> {
    await this.agent.heard(({ heard }) => heard?.connectionId === connectionId && heard.content === content)
  }

  async ping(connectionId: string): Promise<void> {
    const threadId = await this.agent.ask('ping', { connectionId })
    await this.agent.heard(({ answered }) => answered?.threadId === threadId)
  }
}
