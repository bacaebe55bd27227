import {
  DidCommConnectionRepository,
  DidCommMessageHandlerRegistry,
  DidCommMessageReceiver,
  type DidCommOutOfBandRecord,
  DidCommOutOfBandRepository,
  DidCommOutOfBandRole,
  parseMessageType,
  supportsIncomingMessageType,
} from '@credo-ts/didcomm'
import type { WalletAgent } from '../wallet-agent.js'
import { noteExchange } from './notes.js'

/**
 * Handles the first message of an invitation's `requests~attach` that this agent knows (Aries RFC 0434), in the unit of
 * work that it is reached in. Credo would wait for the connection in memory, for twenty seconds, in one process.
 */
export async function receiveAttached(
  { context }: WalletAgent,
  record: DidCommOutOfBandRecord,
  connectionId?: string,
): Promise<void> {
  const { supportedMessageTypes } = context.resolve(DidCommMessageHandlerRegistry)
  const isKnown = (type: string) =>
    supportedMessageTypes.some((known) => supportsIncomingMessageType(parseMessageType(type), known))
  const { id: invitationId } = record.outOfBandInvitation
  const message = record.outOfBandInvitation.getRequests()?.find((one) => isKnown(one['@type']))
  const parent = message?.['~thread']?.pthid
  if (!message || (parent && parent !== invitationId)) return
  message['~thread'] = { ...message['~thread'], pthid: invitationId }
  noteExchange({ invitationId: record.id })
  const connection =
    connectionId === undefined
      ? undefined
      : await context.resolve(DidCommConnectionRepository).getById(context, connectionId)
  const { contextCorrelationId } = context
  await context.resolve(DidCommMessageReceiver).receiveMessage(message, { connection, contextCorrelationId })
}

/** Handles what came with the invitation that a connection was made of, now that it is complete. */
export async function receiveAttachedOf(agent: WalletAgent, outOfBandId: string, connectionId: string): Promise<void> {
  const record = await agent.context.resolve(DidCommOutOfBandRepository).findById(agent.context, outOfBandId)
  if (record?.role === DidCommOutOfBandRole.Receiver) await receiveAttached(agent, record, connectionId)
}
