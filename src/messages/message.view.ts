import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import type { BasicMessageType } from './message.type.js'

/** A stored basic message as the API shows it. */
export function messageView(record: RecordJson): BasicMessageType {
  return {
    id: record.id,
    connectionId: String(record['connectionId']),
    role: record['role'] === 'sender' ? 'SENDER' : 'RECEIVER',
    content: String(record['content']),
    sentAt: String(record['sentTime']),
    threadId: (record['threadId'] as string | undefined) ?? null,
  }
}

/** Lists messages, and tells of each. */
export function messageObserver(ports: AgentPorts): RecordObserver {
  return {
    type: 'BasicMessageRecord',
    list: () => 'messages',
    untagged: ['role', 'threadId', 'parentThreadId'],
    changed({ unit, owner, before, after }) {
      if (before || !after) return
      const message = messageView(after)
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'BASIC_MESSAGE',
        payload: { message },
        // What only the tenant can read in its wallet is not told to the operator.
        ...(owner.settings.keyMode === 'UNMANAGED' ? { basePayload: { message: { ...message, content: null } } } : {}),
      })
    },
  }
}
