import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'

const MESSAGES = 25
/** So long that not all of them fit on a page. */
const LENGTH = 100_000

describe('pages of long texts', () => {
  let store: TestStore
  let gateway: TestGateway
  let bob: TestTenant

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    const alice = await makeTenant(gateway.url)
    bob = await makeTenant(gateway.url)
    const ids = await connect(alice, bob)
    for (let n = 0; n < MESSAGES; n++) await say(alice.client, ids.inviter, `${n} `.padEnd(LENGTH, 'x'))
    await eventually(async () => {
      const { basicMessages } = await bob.client.ask('{ basicMessages(last: 1) { nodes { content } } }')
      return basicMessages.nodes[0]?.content.startsWith(`${MESSAGES - 1} `)
    })
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  /** Reads a list to its end. @returns the sizes of its pages, and the numbers of the messages in it */
  async function readAll(list: string, node: string, backwards = false) {
    const [size, from] = backwards ? ['last', 'before'] : ['first', 'after']
    const query = `query($at: String) { list: ${list}(${size}: 100, ${from}: $at) {
      nodes { ${node} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
    const sizes: number[] = []
    const numbers: number[] = []
    for (let at: string | undefined; ; ) {
      const { nodes, pageInfo } = (await bob.client.ask(query, { at })).list
      const contents = nodes.map(({ content, message }: { content?: string; message?: { content: string } }) =>
        Number.parseInt(content ?? message?.content ?? '', 10),
      )
      const found = contents.filter((n: number) => !Number.isNaN(n))
      sizes.push(nodes.length)
      numbers.push(...(backwards ? found.reverse() : found))
      if (!(backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return { sizes, numbers }
      at = backwards ? pageInfo.startCursor : pageInfo.endCursor
    }
  }

  const all = Array.from({ length: MESSAGES }, (_, n) => n)

  test('end sooner, and say that there is more', async () => {
    for (const backwards of [false, true]) {
      const { sizes, numbers } = await readAll('basicMessages', 'content', backwards)
      assert.ok(sizes.length > 1 && sizes.every((size) => size > 0), `${sizes}`)
      assert.deepEqual(numbers, backwards ? [...all].reverse() : all)
    }
  })

  test('do so in the log too', async () => {
    const { sizes, numbers } = await readAll('events', '... on BasicMessageEvent { message { content } }')
    assert.ok(sizes.length > 1, `${sizes}`)
    assert.deepEqual(numbers, all)
  })
})
