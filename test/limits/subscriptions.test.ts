import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient, type EventTap, type GraphError, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'

for (const kind of STORES) {
  describe(`open subscriptions on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let other: TestGateway

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store, { SOCKET_OPERATIONS_MAX: '5' })
      other = kind === 'postgres' ? await startGateway(store) : gateway
    })
    after(async () => {
      if (other !== gateway) await other?.stop()
      await gateway?.stop()
      await store?.remove()
    })

    const openOf = async ({ client }: TestTenant) =>
      (await client.ask('{ usage { openSubscriptions } }')).usage.openSubscriptions

    /** Opens so many streams at once, in turn here and there. */
    async function openMany({ client }: TestTenant, count: number): Promise<EventTap[]> {
      return Promise.all(
        Array.from({ length: count }, (_, index) => (index % 2 === 0 ? client : client.at(other.url)).follow()),
      )
    }

    test('are as many as may be, of all that are asked for at once, and each that ends gives its place back', async () => {
      const tenant = await makeTenant(gateway.url, { policy: { maxSubscriptions: 4 } })
      const taps = await openMany(tenant, 16)
      const refused = await eventually(async () => {
        const ended = taps.filter((tap) => tap.ended !== undefined)
        return ended.length >= 12 && ended
      })
      assert.equal(refused.length, 12)
      for (const { ended } of refused) assert.equal((ended as GraphError[])[0]?.extensions.code, 'QUOTA_EXCEEDED')
      assert.equal(await openOf(tenant), 4)
      assert.equal((await sse(tenant.client)).code, 'QUOTA_EXCEEDED')
      const [first, ...rest] = taps.filter((tap) => !refused.includes(tap))
      await first?.close()
      await eventually(async () => (await openOf(tenant)) === 3)
      const stream = await sse(tenant.client.at(other.url))
      assert.equal(stream.code, undefined)
      assert.equal(await openOf(tenant), 4)
      await stream.close()
      await eventually(async () => (await openOf(tenant)) === 3)
      for (const tap of [...rest, ...refused]) await tap.close()
      await eventually(async () => (await openOf(tenant)) === 0)
    })

    test('of one socket are bounded for everyone', async () => {
      const tap = await ApiClient.operator(gateway.url).follow()
      const subscribe = () =>
        new Promise<string | undefined>((resolve) => {
          tap.client.subscribe(
            { query: 'subscription { events { id } }' },
            { next() {}, error: (errors) => resolve((errors as GraphError[])[0]?.extensions.code), complete() {} },
          )
          setTimeout(() => resolve(undefined), 1000)
        })
      const codes = await Promise.all(Array.from({ length: 6 }, subscribe))
      assert.deepEqual(codes, [undefined, undefined, undefined, undefined, 'QUOTA_EXCEEDED', 'QUOTA_EXCEEDED'])
      await tap.close()
    })

    if (kind === 'postgres')
      test('of an instance that is killed give their places back within seconds', async () => {
        const doomed = await startGateway(store)
        const tenant = await makeTenant(gateway.url, { policy: { maxSubscriptions: 2 } })
        const there = tenant.client.at(doomed.url)
        const taps = [await there.follow(), await there.follow()]
        assert.equal((await sse(tenant.client)).code, 'QUOTA_EXCEEDED')
        await doomed.kill()
        for (const tap of taps) await tap.close()
        const stream = await eventually(async () => {
          const opened = await sse(tenant.client)
          return opened.code === undefined && opened
        }, 10_000)
        await stream.close()
      })
  })
}

/** Opens a stream over server-sent events. @returns the code of its error, if it has one */
async function sse({ url, headers }: ApiClient): Promise<{ code: string | undefined; close(): Promise<void> }> {
  const controller = new AbortController()
  const response = await fetch(`${url}/graphql/stream`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { events { id } }' }),
    signal: controller.signal,
  })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const close = async () => controller.abort()
  // A stream that is refused says so at once; one that is open says nothing.
  let text = ''
  const deadline = sleep(1000, undefined)
  while (!text.includes('errors')) {
    const chunk = await Promise.race([reader.read(), deadline])
    if (!chunk || chunk.done) break
    text += Buffer.from(chunk.value).toString()
  }
  const code = /"code":"(\w+)"/.exec(text)?.[1]
  if (code !== undefined) await close()
  return { code, close }
}
