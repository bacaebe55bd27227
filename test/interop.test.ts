import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { AcapyAgent } from '../interop/acapy/agent.js'
import { readyAcapyPython } from '../interop/acapy/environment.js'
import { faultsOf, type Results, writeMatrix } from '../interop/matrix.js'
import { PEERS, sidesOf } from '../interop/pairs.js'
import { SCENARIOS } from '../interop/scenarios.js'
import { makeTenant } from './support/client.js'
import { freshStore, startGateway } from './support/gateway.js'

const page = fileURLToPath(new URL('../../docs/interop.md', import.meta.url))
const python = await readyAcapyPython()
const skip = python
  ? false
  : 'ACA-Py IS NOT INSTALLED: `node dist/interop/install.js` makes its environment (Python 3.11)'
if (skip) console.warn(`Not tried with another agent: ${skip}`)

const results: Results = new Map()

for (const kind of PEERS) {
  describe(`with ${kind.name}`, { skip }, () => {
    test('every scenario works, or has the limit of the peer that is known', { skip }, async (t) => {
      const store = await freshStore('sqlite')
      const gateway = await startGateway(store)
      const agent = await AcapyAgent.start({ python: python as string, ...kind })
      const column = new Map<string, boolean>()
      results.set(kind.name, column)
      try {
        const sides = sidesOf(kind, agent, () => makeTenant(gateway.url), gateway.url)
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
