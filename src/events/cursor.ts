import { badInput, cursorExpired } from '../lib/errors.js'

/** A place in a log: after the event `seq` of the log `log`. Zero is before the first. */
export interface LogCursor {
  log: string
  seq: number
}

export function encodeCursor({ log, seq }: LogCursor): string {
  return Buffer.from(`e1:${log}:${seq}`).toString('base64url')
}

/**
 * The place that a cursor names in `log`.
 * @throws BAD_USER_INPUT where it is no cursor of events at all, CURSOR_EXPIRED where it belongs to another log
 */
export function decodeCursor(cursor: string, log: string, field: string): number {
  const match = /^e1:([\w-]+):(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!match) throw badInput('This is not a cursor of an event. Use the cursor of an event or an endCursor.', field)
  if (match[1] !== log) throw cursorExpired()
  return Number(match[2])
}
