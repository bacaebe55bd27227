import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadAskar } from '../../src/askar/index.js'
import { tempDir } from '../support/services.js'

const holder = fileURLToPath(new URL('./store-holder.js', import.meta.url))

test('a store that travels is whole in its file, also where another process that had it open was killed', async () => {
  await loadAskar({ binding: 'koffi' })
  const { TravelStores } = await import('../../src/storage/travel-stores.js')
  const folder = tempDir()
  const stores = new TravelStores(folder.path, 'self', async () => true)
  const store = await stores.make()
  const [own = ''] = readdirSync(folder.path)
  const file = join(folder.path, own, `${store.name}.db`)
  const child = spawn(process.execPath, [holder, file, store.key], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const killed = once(child, 'exit')
    await once(child.stdout, 'data')
    const used = stores.use(store, (sessions, profile) =>
      sessions.transaction(profile, (session) =>
        session.insert({ category: 'thing', name: 'one', value: 'x'.repeat(10_000) }),
      ),
    )
    setTimeout(() => child.kill('SIGKILL'), 500)
    await used
    await killed
    assert.deepEqual(readdirSync(join(folder.path, own)), [`${store.name}.db`])
    const name = await stores.receive(stores.read(store.name))
    const found = await stores.use({ ...store, name }, (sessions, profile) =>
      sessions.session(profile, (session) => session.fetch({ category: 'thing', name: 'one' })),
    )
    assert.equal(found?.value, 'x'.repeat(10_000))
  } finally {
    child.kill('SIGKILL')
    await stores.close()
    folder.remove()
  }
})
