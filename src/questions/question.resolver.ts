import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql'
import { ForTenant, tenantIdOf } from '../graphql/access.js'
import { listPage } from '../graphql/list-page.js'
import { PageArgs } from '../graphql/page.js'
import type { GraphContext } from '../graphql/viewer.js'
import { recordOf } from '../tenants/wallet-reader.js'
import type { QuestionService } from './question.service.js'
import {
  AnswerQuestionInput,
  AskQuestionInput,
  QuestionFilter,
  QuestionPage,
  QuestionPayload,
  QuestionType,
} from './question.type.js'
import { questionView } from './question.view.js'

@Resolver()
export class QuestionResolver {
  constructor(private readonly service: QuestionService) {}

  @ForTenant('READ', 'QUESTION_ANSWER')
  @Query(() => QuestionType, { nullable: true, description: '(tenant) A question by its id.' })
  question(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: GraphContext,
  ): Promise<QuestionType | undefined> {
    return this.service.find(tenantIdOf(context), id)
  }

  @ForTenant('READ', 'QUESTION_ANSWER')
  @Query(() => QuestionPage, { description: '(tenant) Questions asked and received, oldest first.' })
  questions(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: GraphContext,
    @Arg('filter', () => QuestionFilter, { nullable: true, description: 'Which of them.' }) filter?: QuestionFilter,
  ) {
    return listPage(
      args,
      'questions',
      (query) => this.service.list(tenantIdOf(context), filter ?? {}, query),
      ({ entry }) => questionView(recordOf(entry)),
    )
  }

  @ForTenant('WRITE', 'QUESTION_ANSWER')
  @Mutation(() => QuestionPayload, {
    description:
      '(tenant) Asks the other agent a question, with the answers to choose from; an event tells the answer.',
  })
  async askQuestion(
    @Arg('input', () => AskQuestionInput, { description: 'The question, and whom to ask.' }) input: AskQuestionInput,
    @Ctx() context: GraphContext,
  ): Promise<QuestionPayload> {
    return { question: await this.service.ask(tenantIdOf(context), input) }
  }

  @ForTenant('WRITE', 'QUESTION_ANSWER')
  @Mutation(() => QuestionPayload, { description: '(tenant) Answers a question that was received, once.' })
  async answerQuestion(
    @Arg('input', () => AnswerQuestionInput, { description: 'The question, and its answer.' })
    input: AnswerQuestionInput,
    @Ctx() context: GraphContext,
  ): Promise<QuestionPayload> {
    return { question: await this.service.answer(tenantIdOf(context), input) }
  }
}
