import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { faultsOf, type Results, writeMatrix } from '../interop/matrix.js'
import { PEERS } from '../interop/pairs.js'
import { SCENARIOS } from '../interop/scenarios.js'
import { ApiClient, makeTenant } from './support/client.js'
import { freshStore, startGateway } from './support/gateway.js'

const page = fileURLToPath(new URL('../../docs/interop.md', import.meta.url))
const results: Results = new Map()

for (const kind of PEERS) {
  const start = await kind.find()
  const skip = start ? false : `${kind.name} IS NOT INSTALLED: \`npm run interop:install\` makes its environment`
  if (skip) console.warn(`Not tried with another agent: ${skip}`)
  describe(`with ${kind.name}`, { skip }, () => {
    test('every scenario works, or has the limit of the peer that is known', { skip }, async (t) => {
      const store = await freshStore('sqlite')
      const gateway = await startGateway(store)
      const agent = await start?.()
      assert.ok(agent)
      const column = new Map<string, boolean>()
      results.set(kind.name, column)
      try {
        const tenant = () => makeTenant(gateway.url)
        const wallets = { wallet: () => agent.wallet(), another: () => agent.another() }
        const sides = { tenant, ...wallets, operator: ApiClient.operator(gateway.url) }
        for (const { title, limits, run } of SCENARIOS) {
          if (limits?.[kind.name]) continue
          column.set(title, false)
          await t.test(title, async () => {
            await run(sides)
            column.set(title, true)
          })
        }
      } finally {
        await agent.stop()
        await gateway.stop()
        await store.remove()
      }
    })
  })
}

describe('the matrix in docs/interop.md', () => {
  if (process.env['INTEROP_MATRIX'] === 'write')
    after(() => writeFileSync(page, writeMatrix(readFileSync(page, 'utf8'), results)))
  else
    test('says of every peer and scenario what a run shows', () =>
      assert.deepEqual(faultsOf(readFileSync(page, 'utf8'), results), []))
})
