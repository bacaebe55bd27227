import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DidCommAttachment,
  type DidCommMessage,
  DidCommMessageDeliveryV2Message,
  DidCommStatusV2Message,
} from '@credo-ts/didcomm'
import { Backlog } from '../../src/mediation/fetching/backlog.js'
import { Letters } from '../../src/mediation/fetching/letters.js'
import { runInUnit } from '../../src/storage/unit.js'

const GRANT = {
  ...{ role: 'RECIPIENT', state: 'granted', connectionId: 'connection' },
  metadata: { 'tenantry/mediation': { isFetched: true } },
}

describe('letters of a mediator', () => {
  const backlog = new Backlog()
  const letters = new Letters({
    handed() {},
    answered: (grantId, _version, bytes) => bytes !== undefined && backlog.come(grantId, bytes),
    limitOf: (grantId) => backlog.limitOf(grantId),
  })
  const unit = { query: async () => [{ name: 'grant', value: JSON.stringify(GRANT) }], add() {} } as never

  async function come(message: DidCommMessage): Promise<number | undefined> {
    const handler = letters.handlers.find(({ supportedMessages }) =>
      supportedMessages.some(({ type }) => type.messageTypeUri === message.type),
    )
    const inbound = { message, assertReadyConnection: () => ({ id: 'connection' }) }
    const answer = await runInUnit(unit, async () => handler?.handle(inbound as never))
    return (answer?.message as { limit?: number } | undefined)?.limit
  }
  const waiting = () => come(new DidCommStatusV2Message({ threadId: 'asked', messageCount: 100 }))
  const delivery = (threadId?: string) =>
    new DidCommMessageDeliveryV2Message({
      threadId: threadId as string,
      attachments: [new DidCommAttachment({ id: 'a', data: { json: { ciphertext: 'x' } } })],
    })

  test('that come by themselves do not stand for those that were asked for', async (t) => {
    t.mock.timers.enable({ apis: ['Date'] })
    assert.equal(await waiting(), 100)
    for (const limit of [25, 6, 1]) {
      await come(delivery())
      t.mock.timers.tick(3001)
      assert.equal(await waiting(), limit)
    }
    await come(delivery('asked'))
    assert.equal(await waiting(), 2)
  })
})
