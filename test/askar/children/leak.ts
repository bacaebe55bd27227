import { loadAskar, shared } from '../../../src/askar/index.js'
import { createStore, inSession } from '../stores.js'

// Prints RSS in MB after 5,000 and after 20,000 fetches, with a scan of 0.1 MB and a key that nobody frees now and then.
await loadAskar({ binding: 'koffi' })
const made = await createStore('sqlite')
const megabytes = async () => {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

const rss: number[] = []
await inSession(made.store, async (session) => {
  for (let index = 0; index < 10; index++) {
    await session.insert({ category: 'large', name: String(index), value: 'x'.repeat(10_000), tags: { a: 'b' } })
  }
  await session.insert({ category: 'small', name: 'one', value: 'y'.repeat(1000), tags: { a: 'b' } })
  await session.insertKey({ name: 'key', key: shared.Key.generate(shared.KeyAlgorithm.Ed25519) })

  for (let fetched = 1; fetched <= 20_000; fetched++) {
    await session.fetch({ category: 'small', name: 'one' })
    if (fetched % 10 === 0) {
      const stored = await session.fetchKey({ name: 'key' })
      stored?.key.signMessage({ message: new Uint8Array(100) })
      await session.fetch({ category: 'small', name: 'missing' })
      await session.remove({ category: 'small', name: 'missing' }).catch(() => {})
    }
    if (fetched % 100 === 0) await made.store.scan({ category: 'large' }).fetchAll()
    if (fetched === 5000 || fetched === 20_000) rss.push(await megabytes())
  }
})
await made[Symbol.asyncDispose]()
console.log(JSON.stringify({ earlyMb: rss[0], lateMb: rss[1] }))
