import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OutsidePeer } from '../support/outside-peer.js'

const DISCOVER = 'mutation($input: DiscoverFeaturesInput!) { discoverFeatures(input: $input) { threadId } }'
const REPORT = 'mutation($input: SendProblemReportInput!) { sendProblemReport(input: $input) { threadId } }'

interface Feature {
  type: string
  id: string
  roles: string[]
}

for (const kind of STORES) {
  describe(`what agents tell each other about themselves on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let acme: TestTenant
    let globex: TestTenant
    let connections: { inviter: string; invitee: string }

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      ;[acme, globex] = await Promise.all([makeTenant(gateway.url), makeTenant(gateway.url)])
      connections = await connect(acme, globex)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    const discover = async (input: object = {}): Promise<Feature[]> => {
      const tap = await acme.client.follow()
      const { discoverFeatures } = await acme.client.ask(DISCOVER, {
        input: { connectionId: connections.inviter, ...input },
      })
      const event = await tap.find(
        ({ topic, threadId }) => topic === 'DISCOVERY' && threadId === discoverFeatures.threadId,
      )
      await tap.close()
      return event.features
    }
    const names = (features: Feature[]) => features.map(({ id }) => id.replace('https://didcomm.org/', ''))
    const switchOff = (...disabledFeatures: string[]) =>
      ApiClient.operator(gateway.url).ask(
        'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }',
        { input: { tenantId: globex.id, policy: { disabledFeatures } } },
      )

    test('is what they can do, by either version of the protocol', async () => {
      const all = await discover()
      assert.ok(names(all).includes('issue-credential/2.0'))
      assert.ok(names(all).includes('questionanswer/1.0'))
      const asked = await discover({ queries: [{ match: 'https://didcomm.org/present-proof/*' }] })
      assert.deepEqual(names(asked).sort(), ['present-proof/1.0', 'present-proof/2.0'])
      assert.deepEqual(asked[1]?.roles.toSorted(), ['prover', 'verifier'])
      assert.deepEqual(names(await discover({ version: 'V1' })).sort(), names(all).sort())
      assert.deepEqual(await discover({ queries: [{ kind: 'GOAL_CODE', match: '*' }] }), [])
    })

    test('is not what is switched off for them', async () => {
      await switchOff('PROOFS', 'QUESTION_ANSWER')
      for (const version of ['V1', 'V2']) {
        const left = names(await discover({ version }))
        assert.ok(left.includes('issue-credential/2.0'))
        assert.ok(!left.some((name) => /present-proof|questionanswer/.test(name)), left.join())
      }
      await switchOff()
      assert.ok(names(await discover()).includes('questionanswer/1.0'))
    })

    test('is a problem that they have, with its thread, code and text', async () => {
      const tap = await globex.client.follow()
      const threadId = randomUUID()
      const input = { connectionId: connections.inviter, threadId, code: 'out-of-paper', description: 'Come\nlater' }
      assert.deepEqual((await acme.client.ask(REPORT, { input })).sendProblemReport, { threadId })
      const event = await tap.find(({ topic }) => topic === 'PROBLEM_REPORT')
      await tap.close()
      assert.deepEqual(
        [event.connectionId, event.threadId, event.code, event.problem],
        [connections.invitee, threadId, 'out-of-paper', 'Come\nlater'],
      )
    })

    test('are reports of any agent, by both of their types, also without a description', async () => {
      const tap = await acme.client.follow()
      const peer = await OutsidePeer.connectTo(acme)
      try {
        const post = (type: string, more: object) =>
          peer.post(peer.pack({ '@type': `https://didcomm.org/${type}`, '@id': randomUUID(), ...more }))
        const parent = randomUUID()
        await post('report-problem/1.0/problem-report', {
          description: { code: 'message-parse-failure', en: 'What?' },
          '~thread': { pthid: parent },
        })
        const first = await tap.find(({ topic, threadId }) => topic === 'PROBLEM_REPORT' && threadId === parent)
        assert.deepEqual([first.code, first.problem], ['message-parse-failure', 'What?'])
        const thid = randomUUID()
        await post('notification/1.0/problem-report', { '~thread': { thid } })
        const second = await tap.find(({ topic, threadId }) => topic === 'PROBLEM_REPORT' && threadId === thid)
        assert.deepEqual([second.code, second.problem], [null, null])
      } finally {
        await Promise.all([peer.close(), tap.close()])
      }
    })

    test('is told to who sends what cannot be read', async () => {
      const peer = await OutsidePeer.connectTo(acme)
      try {
        const message = { '@type': 'https://didcomm.org/basicmessage/1.0/message', '@id': randomUUID(), content: 7 }
        const answer = peer.next()
        const envelope = peer.pack(message)
        assert.equal((await peer.post(envelope)).status, 200)
        const report = await answer
        assert.match(report['@type'], /\/problem-report$/)
        assert.equal((report['description'] as { code: string }).code, 'message-parse-failure')
        assert.equal((report['~thread'] as { pthid: string }).pthid, message['@id'])
        // It came, and is told of once.
        const next = peer.next()
        await peer.post(envelope)
        await peer.post(peer.pack({ '@type': 'https://didcomm.org/trust_ping/1.0/ping', '@id': randomUUID() }))
        assert.match((await next)['@type'], /trust_ping\/1\.0\/ping_response$/)
      } finally {
        await peer.close()
      }
    })

    test('goes only over connections of their own, and only what fits', async () => {
      const connectionId = connections.invitee
      const report = { connectionId, threadId: 'x', code: 'x', description: 'x' }
      assert.equal(await acme.client.codeOf(REPORT, { input: report }), 'NOT_FOUND')
      assert.equal(await acme.client.codeOf(DISCOVER, { input: { connectionId } }), 'NOT_FOUND')
      const own = { connectionId: connections.inviter }
      for (const input of [
        { queries: [] },
        { queries: [{ match: '' }] },
        { version: 'V1', queries: [{ match: '*' }, { match: '*' }] },
        { version: 'V1', queries: [{ kind: 'GOAL_CODE', match: '*' }] },
      ]) {
        assert.equal(await acme.client.codeOf(DISCOVER, { input: { ...own, ...input } }), 'BAD_USER_INPUT')
      }
      assert.equal(await acme.client.codeOf(REPORT, { input: { ...report, ...own, code: '' } }), 'BAD_USER_INPUT')
    })
  })
}
