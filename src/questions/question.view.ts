import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import { fromCredo, text } from '../connections/connection.view.js'
import type { QuestionType } from './question.type.js'

export const QUESTION_RECORD = 'QuestionAnswerRecord'

/** A stored question as the API shows it. */
export function questionView(record: RecordJson): QuestionType {
  const responses = (record['validResponses'] ?? []) as { text: string }[]
  return {
    id: record.id,
    state: fromCredo(record['state']),
    role: fromCredo(record['role']),
    connectionId: String(record['connectionId']),
    threadId: String(record['threadId']),
    text: text(record['questionText']),
    detail: text(record['questionDetail']),
    validResponses: responses.map(({ text }) => String(text)),
    response: text(record['response']),
    createdAt: String(record['createdAt']),
    updatedAt: String(record['updatedAt'] ?? record['createdAt']),
  }
}

/** Lists questions, tells of each change of state, and takes no answer that the question does not have. */
export function questionObserver(ports: AgentPorts): RecordObserver {
  return {
    type: QUESTION_RECORD,
    list: () => 'questions',
    changed({ unit, owner, before, after }) {
      if (!after || before?.['state'] === after['state']) return
      const question = questionView(after)
      const { state, response, validResponses } = question
      // Credo takes any answer from the other side.
      if (state === 'ANSWER_RECEIVED' && !validResponses.includes(response ?? ''))
        throw new Error('The answer is not one that the question has')
      const previousState = before ? fromCredo(before['state']) : null
      // What only the tenant can read in its wallet is not told to the operator.
      const bare = { ...question, text: null, detail: null, validResponses: [], response: null }
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'QUESTION',
        payload: { previousState, question },
        ...(owner.settings.keyMode === 'UNMANAGED' ? { basePayload: { previousState, question: bare } } : {}),
      })
    },
  }
}
