import type { Worker } from 'node:cluster'

/** What Node's cluster sends to a worker with a connection, and is answered by it. */
type Given = { act?: string }
type Answered = { accepted?: boolean }

/**
 * Cuts the connection that was on its way to a worker when that died. Node's cluster waits for the worker to say whether it
 * has taken it, and keeps it open without anyone who reads it: its client would wait for ever. A worker is given one at a
 * time. One that it refuses, as it is about to end, goes to another.
 *
 * A worker that can be given none is ended, if its end is not what keeps it from that, and so is started again; it is no
 * reason for the process that starts workers to end.
 */
export function cutWhatIsLostWith(worker: Worker): void {
  const { process } = worker
  // It could not be started, which ends this process.
  if (process.pid === undefined) return
  let onItsWay: { close(): void } | undefined
  const send = process.send.bind(process) as (...args: unknown[]) => boolean
  process.send = (message: unknown, handle?: unknown, ...rest: unknown[]) => {
    if ((message as Given).act === 'newconn') onItsWay = handle as { close(): void }
    return send(message, handle, ...rest)
  }
  process.on('internalMessage', (message: Answered) => {
    if ('accepted' in message) onItsWay = undefined
  })
  worker.on('error', () => process.kill('SIGKILL'))
  worker.once('exit', () => onItsWay?.close())
}
