import type { ErrorCode } from '../lib/errors.js'

export const eventTopics = [
  'TENANT',
  'CONNECTION',
  'INVITATION',
  'BASIC_MESSAGE',
  'PING',
  'QUESTION',
  'DISCOVERY',
  'PROBLEM_REPORT',
  'DID',
  'CREDENTIAL',
  'PROOF',
  'REVOCATION',
  'MEDIATION',
  'QUEUE',
  'DELIVERY',
] as const
export type EventTopic = (typeof eventTopics)[number]

/** Who gets an event: the tenant's own stream, the operator's base stream, or each of them. */
export type EventDispatch = 'DEFAULT' | 'BASE' | 'BOTH'

/** An event before it has its place in a log. `payload` is what its GraphQL type has beside the interface's fields. */
export interface EventDraft {
  tenantId: string
  topic: EventTopic
  dispatch: EventDispatch
  payload: Record<string, unknown>
  /** What the base stream gets instead. */
  basePayload?: Record<string, unknown>
  /** The base log had it first. */
  copied?: true
  /** Kept where an event is copied from one log to another. */
  id?: string
  occurredAt?: string
  /** The place of a tenant's own event among its kind; it is found by it in the base log. */
  lifecycle?: number
}

/** An event in its log; `seq` is its place there, from 1, without gaps. */
export interface LoggedEvent extends EventDraft {
  id: string
  occurredAt: string
  seq: number
}

/** Why a stream ends before its reader does. */
export type StreamEndCode = Extract<ErrorCode, 'CURSOR_EXPIRED' | 'CONSUMER_TOO_SLOW'>
