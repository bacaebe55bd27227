import { askAgent } from '../agent/agent-errors.js'
import { readyConnection } from '../agent/exchanges/steps.js'
import { toCredo } from '../connections/connection.view.js'
import { badInput, conflict } from '../lib/errors.js'
import { checkOptional, checkText } from '../lib/text.js'
import type { Listed } from '../storage/list.js'
import { once } from '../tenants/idempotency.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordIn, type WalletReader } from '../tenants/wallet-reader.js'
import type { AnswerQuestionInput, AskQuestionInput, QuestionFilter, QuestionType } from './question.type.js'
import { QUESTION_RECORD, questionView } from './question.view.js'

const RESPONSES_MAX = 100

/** Questions (Aries RFC 0113) of a tenant's wallet, asked and to be answered. */
export class QuestionService {
  constructor(
    private readonly sessions: Sessions,
    private readonly reader: WalletReader,
  ) {}

  async find(tenantId: string, id: string): Promise<QuestionType | undefined> {
    const record = await this.reader.find(tenantId, QUESTION_RECORD, id)
    return record && questionView(record)
  }

  list(
    tenantId: string,
    { state, role, connectionId, threadId }: QuestionFilter,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<Listed[]> {
    const filter = {
      ...(state ? { state: toCredo(state) } : {}),
      ...(role ? { role: toCredo(role) } : {}),
      ...(connectionId != null ? { connectionId } : {}),
      ...(threadId != null ? { threadId } : {}),
    }
    return this.reader.list(tenantId, QUESTION_RECORD, 'questions', filter, query)
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT, CONFLICT where the connection is not complete */
  ask(tenantId: string, input: AskQuestionInput): Promise<QuestionType> {
    checkText(input.text, 'input.text', { max: 10_000, lines: true })
    checkOptional(input.detail, 'input.detail', { max: 10_000, lines: true })
    checkResponses(input.validResponses)
    return this.sessions.transact(tenantId, (agent, unit) =>
      once(unit, 'askQuestion', input, async () => {
        await readyConnection(agent, input.connectionId)
        const { id } = await askAgent('connection', () =>
          agent.questions.sendQuestion(input.connectionId, {
            question: input.text,
            detail: input.detail ?? undefined,
            validResponses: input.validResponses.map((text) => ({ text })),
          }),
        )
        return questionView(await recordIn(unit, QUESTION_RECORD, id, 'question'))
      }),
    )
  }

  /** @throws NOT_FOUND, BAD_USER_INPUT for what is no answer to it, CONFLICT where it does not wait for one */
  answer(tenantId: string, { questionId, response }: AnswerQuestionInput): Promise<QuestionType> {
    return this.sessions.transact(tenantId, async (agent, unit) => {
      const question = questionView(await recordIn(unit, QUESTION_RECORD, questionId, 'question'))
      if (question.state !== 'QUESTION_RECEIVED')
        throw conflict(`The question is ${question.state}, and has to be QUESTION_RECEIVED for this.`)
      if (!question.validResponses.includes(response)) {
        throw badInput('Give one of the validResponses of the question.', 'input.response')
      }
      await readyConnection(agent, question.connectionId)
      await askAgent('question', () => agent.questions.sendAnswer(questionId, response))
      return questionView(await recordIn(unit, QUESTION_RECORD, questionId, 'question'))
    })
  }
}

function checkResponses(responses: readonly string[]): void {
  for (const response of responses) checkText(response, 'input.validResponses')
  const isSet = new Set(responses).size === responses.length
  if (responses.length < 1 || responses.length > RESPONSES_MAX || !isSet)
    throw badInput(`Give 1 to ${RESPONSES_MAX} responses that differ.`, 'input.validResponses')
}
