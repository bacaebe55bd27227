// A process that reads from Indy ledgers, and writes to them, for the gateway: one message is a request, and each has its
// answer.
// `process.argv`: the file of the native library.
import { randomInt } from 'node:crypto'
import type { LedgerError } from '../errors.js'
import type { AskMessage, Operation, ReplyMessage } from '../messages.js'
import { Vdr } from './vdr.js'

/** The author of reads, as Indy's own tools name it. */
const READER = 'LibindyDid111111111111'
const REFRESH_MS = 60 * 60_000

const [libraryPath = ''] = process.argv.slice(2)
// The terminal and service managers signal every process of the gateway: this one ends when the gateway is gone or says
// so, and at once, since the library's own threads fail loudly in an orderly exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

let vdr: Vdr | undefined
const pools = new Map<string, { handle: bigint; refreshed: Promise<void>; refreshedAt: number }>()

process.on('message', async (message: AskMessage) => {
  process.send?.(await answer(message), () => {})
})

async function answer(message: AskMessage): Promise<ReplyMessage> {
  const { id } = message
  try {
    vdr ??= new Vdr(libraryPath)
    if (message.ask === 'SIGNATURE_INPUT') return { id, result: { input: vdr.signatureInput(message.request) } }
    const pool = poolOf(vdr, message.genesis)
    await pool.refreshed
    const request = message.ask === 'READ' ? readOf(message.operation) : message.request
    const { result } = JSON.parse(await vdr.submit(pool.handle, request)) as { result: Record<string, unknown> }
    return { id, result }
  } catch (error) {
    const { message: text, code } = error as LedgerError
    return { id, error: { message: text, ...(code !== undefined && { code }) } }
  }
}

const readOf = (operation: Operation) => ({
  operation,
  identifier: READER,
  protocolVersion: 2,
  reqId: randomInt(1, 2 ** 47),
})

/** A network's nodes come and go: they are looked up before it is first asked, and now and then. */
function poolOf(on: Vdr, genesis: string) {
  let pool = pools.get(genesis)
  if (pool && Date.now() - pool.refreshedAt < REFRESH_MS) return pool
  const handle = pool?.handle ?? on.createPool(genesis)
  // Where that fails, those that are known may still answer.
  pool = { handle, refreshed: on.refresh(handle).catch(() => undefined), refreshedAt: Date.now() }
  pools.set(genesis, pool)
  return pool
}
