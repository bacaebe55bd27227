import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** What a program that measures prints of a block of operations begins with: two spaces and the scenario. */
const BLOCK = /^ {2}(\S.*?) +c=\d/

/**
 * A program that measures block by block, each in its turn: a line on its standard input lets it go on until it has printed
 * the figures of a block on standard error, which is passed on. Between its turns it stands still, and so does what it measures.
 */
export class TurnTaker {
  private readonly blocks: AsyncIterator<string>
  private readonly ended: Promise<unknown>

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.blocks = blocksOf(child)
    this.ended = once(child, 'close')
    child.stdout.resume()
    // It may have ended by itself.
    child.stdin.on('error', () => {})
  }

  static start(command: string, args: string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): TurnTaker {
    const child = spawn(command, args, options)
    process.once('exit', () => child.kill())
    return new TurnTaker(child)
  }

  /** Has it measure until it has the figures of a block of one of these scenarios. @returns false where it ended before */
  async measure(scenarios: ReadonlySet<string>): Promise<boolean> {
    for (;;) {
      this.child.stdin.write('\n')
      const { done, value } = await this.blocks.next()
      if (done) return false
      if (scenarios.has(value)) return true
    }
  }

  /** Has it measure all that is left without a pause. @returns its exit code */
  async finish(): Promise<number | null> {
    this.child.stdin.end()
    while (!(await this.blocks.next()).done) {}
    await this.ended
    return this.child.exitCode
  }
}

async function* blocksOf({ stderr }: ChildProcessWithoutNullStreams): AsyncGenerator<string> {
  for await (const line of createInterface({ input: stderr })) {
    console.error(line)
    const scenario = BLOCK.exec(line)?.[1]
    if (scenario !== undefined) yield scenario
  }
}
