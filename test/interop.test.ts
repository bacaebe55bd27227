import { describe, test } from 'node:test'
import { AcapyAgent } from '../interop/acapy/agent.js'
import { readyAcapyPython } from '../interop/acapy/environment.js'
import { PEERS, sidesOf } from '../interop/pairs.js'
import { SCENARIOS } from '../interop/scenarios.js'
import { makeTenant } from './support/client.js'
import { freshStore, startGateway } from './support/gateway.js'

const python = await readyAcapyPython()
const skip = python
  ? false
  : 'ACA-Py IS NOT INSTALLED: `node dist/interop/install.js` makes its environment (Python 3.11)'
if (skip) console.warn(`Not tried with another agent: ${skip}`)

for (const kind of PEERS) {
  describe(`with ${kind.name}`, { skip }, () => {
    test('handshakes, messages and pings work', { skip }, async (t) => {
      const store = await freshStore('sqlite')
      const gateway = await startGateway(store)
      const agent = await AcapyAgent.start({ python: python as string, ...kind })
      try {
        const sides = sidesOf(kind, agent, () => makeTenant(gateway.url))
        for (const { title, run } of SCENARIOS) await t.test(title, () => run(sides))
      } finally {
        await agent.stop()
        await gateway.stop()
        await store.remove()
      }
    })
  })
}
