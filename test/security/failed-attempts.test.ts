import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { makeOperatorKey, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, OPERATOR_KEY, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { forge } from './forged-tokens.js'

const MOST = 5
const QUERY = '{ viewer { role } }'

for (const kind of STORES) {
  describe(`credentials that do not hold, on ${kind}`, () => {
    let store: TestStore
    /** Two that share Redis; without Redis one. */
    let gateways: TestGateway[]
    let url: string
    let acme: TestTenant
    let network = 0

    before(async () => {
      store = await freshStore(kind)
      const env = { FAILED_ATTEMPTS_MAX: String(MOST), TRUST_PROXY: '127.0.0.1' }
      gateways = await Promise.all((kind === 'postgres' ? [1, 2] : [1]).map(() => startGateway(store, env)))
      url = gateways[0]?.url as string
      acme = await makeTenant(url)
    })
    after(async () => {
      await Promise.all(gateways?.map((gateway) => gateway.stop()) ?? [])
      await store?.remove()
    })

    /** An address that nothing has come from yet. */
    const freshAddress = () => `198.51.100.${++network}`
    const wrongKey = () => ({ 'x-api-key': `${OPERATOR_KEY}${Math.random()}` })
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

    async function ask(origin: string, headers: Record<string, string>, at = url) {
      const response = await fetch(`${at}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          'x-forwarded-for': origin,
          ...headers,
        },
        body: JSON.stringify({ query: QUERY }),
      })
      const { data, errors } = (await response.json()) as { data?: unknown; errors?: { extensions: object }[] }
      return {
        status: response.status,
        wait: response.headers.get('retry-after'),
        data,
        error: errors?.[0]?.extensions,
      }
    }

    /** Sends what does not hold, as often as it is looked at. */
    async function exhaust(origin: string): Promise<void> {
      for (let n = 0; n < MOST; n++) {
        const headers =
          n % 2 === 0 ? wrongKey() : bearer(await forge(`${acme.client.credentials.token}`, { expiresAt: n }))
        assert.equal((await ask(origin, headers)).status, 401)
      }
    }

    test('are looked at so often, then answered 429 with Retry-After; another address is as before', async () => {
      const origin = freshAddress()
      await exhaust(origin)
      for (const headers of [wrongKey(), bearer('a.b.c')]) {
        const { status, wait, error } = await ask(origin, headers)
        assert.equal(status, 429)
        assert.ok(Number(wait) >= 50 && Number(wait) <= 60, `${wait} s`)
        assert.deepEqual(error, { code: 'RATE_LIMITED', retryAfter: Number(wait) })
      }
      assert.equal((await ask(origin, {})).status, 200, 'who sends none is nobody')
      assert.equal((await ask(freshAddress(), wrongKey())).status, 401)
      const metrics = await (await fetch(`${url}/metrics`)).text()
      assert.match(metrics, /refused_total\{limit="failedAttempts"\} 2/)
    })

    test('do not shut out what has held lately from the same address, but what never has, also a key that would', async () => {
      const origin = freshAddress()
      const { key } = await makeOperatorKey(url, ['READ'])
      const known = bearer(`${acme.client.credentials.token}`)
      assert.equal((await ask(freshAddress(), known)).status, 200)
      await exhaust(origin)
      for (let n = 0; n < 3; n++) assert.equal((await ask(origin, known)).status, 200)
      // The same token, so that nobody makes many of one and crowds out what others hold.
      assert.equal((await ask(origin, bearer(`  ${acme.client.credentials.token}`))).status, 200)
      assert.equal((await ask(origin, { 'x-api-key': key })).status, 429, 'so nobody can guess on')
      assert.equal((await ask(freshAddress(), { 'x-api-key': key })).status, 200)
      assert.equal((await ask(origin, { 'x-api-key': key })).status, 200)
    })

    test('are as many over SSE, by the audit log and by archives', async () => {
      const origin = freshAddress()
      await exhaust(origin)
      const headers = { 'x-forwarded-for': origin, ...wrongKey() }
      const stream = { 'content-type': 'application/json', accept: 'text/event-stream', ...headers }
      const answers = [
        await fetch(`${url}/graphql/stream`, {
          method: 'POST',
          headers: stream,
          body: JSON.stringify({ query: QUERY }),
        }),
        await fetch(`${url}/audit`, { headers }),
        await fetch(`${url}/exports/00000000-0000-4000-8000-000000000000`, { headers }),
      ]
      for (const answer of answers) {
        assert.equal(answer.status, 429, answer.url)
        assert.ok(Number(answer.headers.get('retry-after')) >= 50)
        assert.match(await answer.text(), /RATE_LIMITED/)
      }
    })

    test('close a WebSocket with 4403, then with 1013 and how long to wait', async () => {
      const origin = freshAddress()
      for (let n = 0; n < MOST; n++) {
        assert.equal((await closeOf(origin, { apiKey: `${OPERATOR_KEY}${n}` })).code, 4403)
      }
      const { code, reason } = await closeOf(origin, { authorization: 'Bearer a.b.c' })
      assert.equal(code, 1013)
      assert.match(reason, /^Try again in \d+ s$/)
      assert.equal((await ask(origin, wrongKey())).status, 429, 'whatever they come by')
    })

    test('count for a whole network of IPv6', async () => {
      for (let n = 0; n < MOST; n++) assert.equal((await ask(`2001:db8:0:1::${n}`, wrongKey())).status, 401)
      assert.equal((await ask('2001:db8:0:1:ffff::1', wrongKey())).status, 429)
      assert.equal((await ask('2001:db8:0:2::1', wrongKey())).status, 401)
    })

    if (kind === 'postgres') {
      test('count for all instances together', async () => {
        const origin = freshAddress()
        await exhaust(origin)
        const there = gateways[1]?.url
        assert.equal((await ask(origin, wrongKey(), there)).status, 401, 'the one by which it gets to know')
        assert.equal((await ask(origin, wrongKey(), there)).status, 429)
      })
    }

    async function closeOf(origin: string, connectionParams: Record<string, string>) {
      class From extends WebSocket {
        constructor(address: string, protocols: string) {
          super(address, protocols, { headers: { 'x-forwarded-for': origin } })
        }
      }
      const client = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: From,
        retryAttempts: 0,
        connectionParams,
      })
      return new Promise<{ code: number; reason: string }>((resolve, reject) => {
        client.subscribe(
          { query: QUERY },
          { next: () => reject(new Error('it was let in')), error: (close) => resolve(close as never), complete() {} },
        )
      })
    }
  })
}
