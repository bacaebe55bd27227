import { CredoError } from '@credo-ts/core'
import {
  DidCommConnectionService,
  DidCommMessageRepository,
  DidCommMessageRole,
  MessageSendingError,
} from '@credo-ts/didcomm'
import { NativeError } from '../../anoncreds/index.js'
import { conflict, isGatewayError, protocolError } from '../../lib/errors.js'
import { askAgent } from '../agent-errors.js'
import type { WalletAgent } from '../wallet-agent.js'

/**
 * Takes a step of an exchange.
 * @param failure what is said where what the other agent sent cannot be used
 * @throws PROTOCOL_ERROR, NOT_FOUND
 */
export async function takeStep<T>(failure: string, step: () => Promise<T>): Promise<T> {
  try {
    return await askAgent('exchange', step)
  } catch (error) {
    if (isGatewayError(error) || error instanceof MessageSendingError) throw error
    if (error instanceof CredoError || error instanceof NativeError) throw protocolError(failure, error)
    throw error
  }
}

/** A connection that messages can be sent over. @throws NOT_FOUND, CONFLICT */
export async function readyConnection(agent: WalletAgent, id: string): Promise<void> {
  const connection = await askAgent('connection', () =>
    agent.context.resolve(DidCommConnectionService).getById(agent.context, id),
  )
  if (!connection.isReady) throw conflict('The connection is not complete. Wait for COMPLETED.')
}

/** What exchanges wait with for somebody to accept it. */
type Waiting =
  | 'propose-credential'
  | 'offer-credential'
  | 'request-credential'
  | 'issue-credential'
  | 'propose-presentation'
  | 'request-presentation'
  | 'presentation'

/** That a message which waits to be accepted has not expired meanwhile (Aries RFC 0032). @throws PROTOCOL_ERROR */
export async function assertInTime({ context }: WalletAgent, exchangeId: string, messageName: Waiting): Promise<void> {
  const query = { associatedRecordId: exchangeId, role: DidCommMessageRole.Receiver, messageName }
  for (const { message } of await context.resolve(DidCommMessageRepository).findByQuery(context, query)) {
    const { expires_time: expires } = (message['~timing'] ?? {}) as { expires_time?: string }
    if (expires !== undefined && Date.parse(expires) <= Date.now()) {
      throw protocolError('What the other side has sent has expired. Decline it, or have it sent anew.')
    }
  }
}
