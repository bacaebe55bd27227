import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Systems give those of 32768 and more to whoever asks for any port; below 20000 are ports that `fetch` refuses. */
const [FIRST, LAST] = [20_000, 32_767]
/** Longer than any test file takes. */
const TURN_MS = 5 * 60_000

/** A port that nothing listens on now, nor is given to anybody by chance; for what keeps its port when it starts again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST + 1)
    if (await mayListen(port, '0.0.0.0')) return port
  }
}

/** Whether a port can be had here. */
export async function mayListen(port: number, host: string): Promise<boolean> {
  const server = await listen(port, host)
  if (!(server instanceof Server)) return false
  await close(server)
  return true
}

/**
 * Waits for the turn of this process with a port that several need. It is theirs who listen on another address of loopback,
 * which is given back with the process; where there is none, nobody waits.
 */
export async function turnWith(port: number): Promise<void> {
  for (const end = Date.now() + TURN_MS; Date.now() < end; await sleep(200)) {
    const server = await listen(port, '127.0.0.3')
    if (server instanceof Server) server.unref()
    if (server !== 'EADDRINUSE') return
  }
}

/** @returns the server, or the code of why there is none */
function listen(port: number, host: string): Promise<Server | string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    server.listen(port, host, () => resolve(server))
  })
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}
