import type { Worker } from 'node:cluster'

/**
 * Cuts the connection that was on its way to a worker when that died. Node's cluster waits for the worker to say that it
 * has taken it, and keeps it open without anyone who reads it: its client would wait for ever. A worker is given one at a
 * time, so there is no more than the last; one that was taken is closed here already, and closing it again does nothing.
 *
 * Giving one to a worker whose end is not known yet fails, which is no reason for the process that starts workers to end.
 */
export function cutWhatIsLostWith(worker: Worker): void {
  const { process } = worker
  const send = process.send.bind(process) as (...args: unknown[]) => boolean
  let last: { close(): void } | undefined
  process.send = (message: unknown, handle?: unknown, ...rest: unknown[]) => {
    if (isHandle(handle)) last = handle
    return send(message, handle, ...rest)
  }
  worker.on('error', (error) => {
    // It could not be started at all.
    if (process.pid === undefined) throw error
  })
  worker.once('exit', () => last?.close())
}

/** Whether this is a connection: options may stand in its place. */
function isHandle(value: unknown): value is { close(): void } {
  return typeof value === 'object' && value !== null && 'close' in value
}
