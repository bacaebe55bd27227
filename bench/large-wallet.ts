import { fillWallet, lookAround } from '../test/storage/large-wallet.js'
import { KINDS, openPlace } from '../test/storage/places.js'

// How long looks at a large wallet take, the slowest of three (ms), on both stores:
//   node dist/bench/large-wallet.js [records, 100000 by default]

const count = Number(process.argv[2] ?? 100_000)
const results: Record<string, Record<string, number>> = {}
for (const kind of KINDS) {
  const place = await openPlace(kind)
  try {
    const start = performance.now()
    await fillWallet(place.profile(), count)
    await place.store.database.analyze()
    const filled = performance.now() - start
    for (const [look, ms] of Object.entries({ 'to fill it': filled, ...(await lookAround(place.profile(), count)) })) {
      results[look] = { ...results[look], [kind]: Number(ms.toFixed(1)) }
    }
  } finally {
    await place.remove()
  }
}
console.table(results)
