import type { Askar, Session } from '@openwallet-foundation/askar-shared'
import { shared } from './shared.js'

/** What a binding has that can end a session without being told when it has ended. */
export interface SessionLeaver {
  leaveSession(session: number): void
}

/**
 * Ends a session that has read and has nothing to commit. Its connection goes back by itself, a moment later: to be told
 * of it costs as much as a read.
 */
export async function leaveSession(session: Session): Promise<void> {
  const { askar } = shared as { askar: Askar | SessionLeaver }
  if ('leaveSession' in askar) askar.leaveSession(handleOf(session).handle)
  else await session.close()
}

/** @throws Error where the session was closed */
export function handleOf(session: Session) {
  const { handle } = session
  if (!handle) throw new Error('This session is closed')
  return handle
}
