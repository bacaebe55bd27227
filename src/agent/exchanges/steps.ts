import { CredoError } from '@credo-ts/core'
import { DidCommConnectionService, MessageSendingError } from '@credo-ts/didcomm'
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
