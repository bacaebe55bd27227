import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar } from '../graphql/scalars.js'

export const QuestionState = {
  QUESTION_SENT: 'QUESTION_SENT',
  QUESTION_RECEIVED: 'QUESTION_RECEIVED',
  ANSWER_SENT: 'ANSWER_SENT',
  ANSWER_RECEIVED: 'ANSWER_RECEIVED',
} as const
registerEnumType(QuestionState, {
  name: 'QuestionState',
  description: 'How far a question is, by Aries RFC 0113.',
  valuesConfig: {
    QUESTION_SENT: { description: 'The questioner asked.' },
    QUESTION_RECEIVED: { description: 'The responder was asked: answerQuestion goes on.' },
    ANSWER_SENT: { description: 'The responder answered. Final.' },
    ANSWER_RECEIVED: { description: 'The questioner has the answer. Final.' },
  },
})

export const QuestionRole = { QUESTIONER: 'QUESTIONER', RESPONDER: 'RESPONDER' } as const
registerEnumType(QuestionRole, {
  name: 'QuestionRole',
  description: 'Which side of a question the tenant is.',
  valuesConfig: {
    QUESTIONER: { description: 'It asks.' },
    RESPONDER: { description: 'It is asked.' },
  },
})

@ObjectType('Question', { description: 'A question with the answers it may have (Aries RFC 0113).' })
export class QuestionType {
  @Field(() => ID, { description: 'Its id in this wallet; the other side has its own.' })
  id!: string

  @Field(() => QuestionState, { description: 'How far it is.' })
  state!: keyof typeof QuestionState

  @Field(() => QuestionRole, { description: 'Which side the tenant is.' })
  role!: keyof typeof QuestionRole

  @Field(() => ID, { description: 'The connection that it went over.' })
  connectionId!: string

  @Field(() => ID, { description: 'The thread of its messages, the same on both sides.' })
  threadId!: string

  @Field(() => String, {
    nullable: true,
    description: 'What is asked. Null only on the base stream, for an UNMANAGED tenant.',
  })
  text!: string | null

  @Field(() => String, { nullable: true, description: 'What is said about it, beside the question.' })
  detail!: string | null

  @Field(() => [String], { description: 'What it can be answered with.' })
  validResponses!: string[]

  @Field(() => String, { nullable: true, description: 'What it was answered with.' })
  response!: string | null

  @Field(() => DateTimeScalar, { description: 'When it was asked.' })
  createdAt!: string

  @Field(() => DateTimeScalar, { description: 'When it last changed.' })
  updatedAt!: string
}

export const QuestionPage = pageType(() => QuestionType, 'Question')

@ObjectType({ description: 'A question after a mutation.' })
export class QuestionPayload {
  @Field(() => QuestionType, { description: 'The question as it is now.' })
  question!: QuestionType
}

@ObjectType('QuestionEvent', { implements: EventType, description: 'A question was asked, or answered.' })
export class QuestionEventType extends EventType {
  @Field(() => QuestionState, { nullable: true, description: 'Its state before; null where it is new.' })
  previousState!: keyof typeof QuestionState | null

  @Field(() => QuestionType, { description: 'As it was at the event.' })
  question!: QuestionType
}

@InputType({ description: 'Which questions to list; all conditions hold.' })
export class QuestionFilter {
  @Field(() => QuestionState, { nullable: true, description: 'In this state.' })
  state?: keyof typeof QuestionState | null

  @Field(() => QuestionRole, { nullable: true, description: 'Where the tenant is this side.' })
  role?: keyof typeof QuestionRole | null

  @Field(() => ID, { nullable: true, description: 'Over this connection.' })
  connectionId?: string | null

  @Field(() => ID, { nullable: true, description: 'With this thread.' })
  threadId?: string | null
}

@InputType({ description: 'A question to ask.' })
export class AskQuestionInput {
  @Field(() => ID, { description: 'Whom to ask.' })
  connectionId!: string

  @Field(() => String, { description: 'What is asked, at most 10,000 characters.' })
  text!: string

  @Field(() => String, { nullable: true, description: 'What is to be said about it, beside the question.' })
  detail?: string | null

  @Field(() => [String], { description: 'What it can be answered with: 1 to 100 different texts.' })
  validResponses!: string[]

  @Field(() => String, { nullable: true, description: 'A repeat within 24 hours gives the same answer.' })
  idempotencyKey?: string | null
}

@InputType({ description: 'An answer to a question.' })
export class AnswerQuestionInput {
  @Field(() => ID, { description: 'The question, in state QUESTION_RECEIVED.' })
  questionId!: string

  @Field(() => String, { description: 'One of its `validResponses`.' })
  response!: string
}
