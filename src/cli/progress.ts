const WIDTH = 30
/** On a terminal the bar is drawn at most so often; elsewhere a line is written (ms). */
const DRAW_MS = 100
const LINE_MS = 5000

/** Shows on standard error how far a long task is: a bar on a terminal, elsewhere a line now and then. */
export class Progress {
  private done = 0
  private shownAt = Date.now()

  constructor(
    private readonly task: string,
    private readonly total: number,
  ) {}

  add(count: number): void {
    this.done += count
    if (Date.now() - this.shownAt < (process.stderr.isTTY ? DRAW_MS : LINE_MS)) return
    this.show()
  }

  /** Shows the last state; what is written next is on a line of its own. */
  end(): void {
    this.show()
    if (process.stderr.isTTY) process.stderr.write('\n')
  }

  private show(): void {
    this.shownAt = Date.now()
    const share = this.total === 0 ? 1 : Math.min(this.done / this.total, 1)
    const told = `${Math.floor(share * 100)} % (${this.done} of ${this.total})`
    const filled = Math.round(share * WIDTH)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`
    process.stderr.write(process.stderr.isTTY ? `\r${this.task} ${bar} ${told}` : `${this.task}: ${told}\n`)
  }
}

/** Shows how much of a stream has gone by. */
export async function* counting(
  task: string,
  total: number,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const progress = new Progress(task, total)
  for await (const piece of bytes) {
    progress.add(piece.length)
    yield piece
  }
  progress.end()
}
