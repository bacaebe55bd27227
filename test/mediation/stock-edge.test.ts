import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { tempDir } from '../support/services.js'
import { eventually, receive, say } from '../support/talk.js'
import type { EdgeLine } from './edge-process.js'

const program = fileURLToPath(new URL('./edge-process.js', import.meta.url))
/** As Credo names the ways in which it fetches what its mediator has for it. */
const STRATEGIES = ['Implicit', 'PickUpV1', 'PickUpV2', 'PickUpV2LiveMode']
/** Credo waits before it tries again, and longer each time. */
const PATIENCE_MS = 40_000

const MULTI_USE = 'mutation { createInvitation(input: {multiUse: true}) { invitation { url } } }'

for (const kind of STORES) {
  describe(`stock Credo agents behind a tenant that mediates, on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let bob: TestTenant
    let port: string
    let edges: ChildProcess
    const folder = tempDir()
    const told: EdgeLine[] = []
    before(async () => {
      store = await freshStore(kind)
      port = `${await freePort()}`
      gateway = await startGateway(store, { PORT: port })
      bob = await makeTenant(gateway.url)
      const mediator = await makeTenant(gateway.url, { settings: { mediates: true } })
      const { url } = (await mediator.client.ask(MULTI_USE)).createInvitation.invitation
      edges = spawn(process.execPath, [program, folder.path, url, ...STRATEGIES], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      if (edges.stdout) createInterface(edges.stdout).on('line', (line) => told.push(JSON.parse(line)))
    })
    after(async () => {
      if (edges?.exitCode === null && edges.kill('SIGKILL')) await once(edges, 'exit')
      await gateway?.stop()
      await store?.remove()
      folder.remove()
    })

    test('they are invited through it, and hear all that is said, also over a kill, in whatever way they fetch it', async () => {
      const invited = (strategy: string) => told.find((line) => line.strategy === strategy && line.invitation)
      const ids = new Map<string, string>()
      for (const strategy of STRATEGIES) {
        const { invitation } = await eventually(async () => invited(strategy), PATIENCE_MS)
        ids.set(strategy, await receive(bob, invitation))
      }
      for (const id of ids.values()) {
        const connection = 'query($id: ID!) { connection(id: $id) { state } }'
        await eventually(async () => (await bob.client.ask(connection, { id })).connection.state === 'COMPLETED')
      }
      const contents = Array.from({ length: 6 }, (_, n) => `message ${n}`)
      const sayAll = async (some: string[]) => {
        for (const content of some) for (const id of ids.values()) await say(bob.client, id, content)
      }
      await sayAll(contents.slice(0, 3))
      await gateway.kill()
      gateway = await startGateway(store, { PORT: port })
      await sayAll(contents.slice(3))
      for (const strategy of STRATEGIES) {
        const heard = () => new Set(told.flatMap((line) => (line.strategy === strategy ? (line.heard ?? []) : [])))
        await eventually(async () => heard().size === contents.length, PATIENCE_MS).catch(() => {})
        assert.deepEqual([...heard()].sort(), contents, strategy)
      }
    })
  })
}
