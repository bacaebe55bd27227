import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type AnyEvent, ApiClient, connect, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'

const FIELDS = 'id state role connectionId threadId text detail validResponses response'
const ASK = `mutation($input: AskQuestionInput!) { askQuestion(input: $input) { question { ${FIELDS} } } }`
const ANSWER = `mutation($input: AnswerQuestionInput!) { answerQuestion(input: $input) { question { ${FIELDS} } } }`
const QUESTION = `query($id: ID!) { question(id: $id) { ${FIELDS} } }`
const LIST = `query($filter: QuestionFilter) { questions(filter: $filter) { nodes { id state } } }`

for (const kind of STORES) {
  describe(`questions on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let bank: TestTenant
    let ada: TestTenant
    let connections: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      ;[bank, ada] = await Promise.all([
        makeTenant(gateway.url),
        makeTenant(gateway.url, { keyMode: 'UNMANAGED', walletKey: KEY, eventDispatch: 'BOTH' }),
      ])
      connections = await connect(bank, ada)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    const question = () => ({
      connectionId: connections.inviter,
      text: 'Is it you who is on the phone with us?',
      detail: 'Call of today',
      validResponses: ['Yes', 'No'],
    })
    const isOf = (threadId: string, state: string) => (event: AnyEvent) =>
      event.question?.threadId === threadId && event.question.state === state

    test('are asked once, answered once by one of their responses, and told to both', async () => {
      const [atBank, atAda] = await Promise.all([bank.client.follow(), ada.client.follow()])
      const input = { ...question(), idempotencyKey: uniqueName('key') }
      const asked = (await bank.client.ask(ASK, { input })).askQuestion.question
      assert.deepEqual((await bank.client.ask(ASK, { input })).askQuestion.question, asked)
      const { id: _, ...more } = asked
      assert.deepEqual(more, {
        ...question(),
        state: 'QUESTION_SENT',
        role: 'QUESTIONER',
        threadId: asked.threadId,
        response: null,
      })
      const received = (await atAda.find(isOf(asked.threadId, 'QUESTION_RECEIVED'))).question
      assert.deepEqual([received.text, received.validResponses], [input.text, ['Yes', 'No']])
      const { id: questionId } = received
      const codeOf = (response: string) => ada.client.codeOf(ANSWER, { input: { questionId, response } })
      assert.equal(await codeOf('Maybe'), 'BAD_USER_INPUT')
      const { answerQuestion } = await ada.client.ask(ANSWER, { input: { questionId, response: 'Yes' } })
      assert.deepEqual([answerQuestion.question.state, answerQuestion.question.response], ['ANSWER_SENT', 'Yes'])
      const { errors } = await ada.client.send(ANSWER, { input: { questionId, response: 'No' } })
      assert.equal(errors?.[0]?.extensions.code, 'CONFLICT')
      assert.equal(errors[0].message, 'The question is ANSWER_SENT, and has to be QUESTION_RECEIVED for this.')
      const answered = (await atBank.find(isOf(asked.threadId, 'ANSWER_RECEIVED'))).question
      assert.deepEqual([answered.id, answered.response], [asked.id, 'Yes'])
      assert.deepEqual((await bank.client.ask(QUESTION, { id: asked.id })).question, answered)
      const { threadId } = asked
      const list = async (filter: object) => (await bank.client.ask(LIST, { filter })).questions.nodes
      assert.deepEqual(await list({ threadId }), [{ id: asked.id, state: 'ANSWER_RECEIVED' }])
      assert.deepEqual(await list({ threadId, role: 'RESPONDER' }), [])
      assert.deepEqual(await list({ connectionId: connections.invitee }), [])
      await Promise.all([atBank.close(), atAda.close()])
    })

    test('of an unmanaged wallet are told to the operator without what is asked and answered', async () => {
      const { events } = await ApiClient.operator(gateway.url).ask(
        `query($tenantIds: [ID!]) { events(topics: [QUESTION], tenantIds: $tenantIds) {
          nodes { ... on QuestionEvent { question { state text detail validResponses response } } } } }`,
        { tenantIds: [ada.id] },
      )
      const bare = { text: null, detail: null, validResponses: [], response: null }
      assert.deepEqual(
        events.nodes.map(({ question }: AnyEvent) => question),
        ['QUESTION_RECEIVED', 'ANSWER_SENT'].map((state) => ({ state, ...bare })),
      )
    })

    test('take no answer that they do not have, whoever sends it', async () => {
      const peer = await OutsidePeer.connectTo(bank)
      try {
        const { connections: known } = await bank.client.ask('{ connections(last: 1) { nodes { id } } }')
        const connectionId = known.nodes[0].id
        const arrives = peer.next()
        const { askQuestion } = await bank.client.ask(ASK, { input: { ...question(), connectionId } })
        const message = await arrives
        assert.deepEqual(
          [message['@type'], message['question_text'], message['valid_responses']],
          ['https://didcomm.org/questionanswer/1.0/question', question().text, [{ text: 'Yes' }, { text: 'No' }]],
        )
        const answer = (response: string) =>
          peer.post(
            peer.pack({
              '@type': 'https://didcomm.org/questionanswer/1.0/answer',
              '@id': randomUUID(),
              '~thread': { thid: message['@id'] },
              response,
            }),
          )
        const { id } = askQuestion.question
        const stateOf = async () => (await bank.client.ask(QUESTION, { id })).question
        const report = peer.next()
        await answer('Send me money')
        assert.match((await report)['@type'], /problem-report$/)
        assert.deepEqual([(await stateOf()).state, (await stateOf()).response], ['QUESTION_SENT', null])
        await answer('No')
        assert.deepEqual([(await stateOf()).state, (await stateOf()).response], ['ANSWER_RECEIVED', 'No'])
      } finally {
        await peer.close()
      }
    })

    test('are refused plainly where they do not fit, or belong to somebody else', async () => {
      const codeOf = (input: object) => bank.client.codeOf(ASK, { input: { ...question(), ...input } })
      assert.equal(await codeOf({ text: '' }), 'BAD_USER_INPUT')
      for (const validResponses of [[], [''], ['Yes', 'Yes'], Array.from({ length: 101 }, (_, index) => `${index}`)]) {
        assert.equal(await codeOf({ validResponses }), 'BAD_USER_INPUT')
      }
      assert.equal(await codeOf({ connectionId: connections.invitee }), 'NOT_FOUND')
      const { askQuestion } = await bank.client.ask(ASK, { input: question() })
      const { id } = askQuestion.question
      assert.equal((await ada.client.ask(QUESTION, { id })).question, null)
      const answer = { input: { questionId: id, response: 'Yes' } }
      assert.equal(await ada.client.codeOf(ANSWER, answer), 'NOT_FOUND')
      assert.equal(await bank.client.codeOf(ANSWER, answer), 'CONFLICT')
    })
  })
}

/** Base58 of 32 bytes. */
const KEY = '9Wz5dYjpvUoQvGQaGqhDnbkHmpNKxfDuZGAxHuWuLvFn'
