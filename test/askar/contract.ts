import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AskarBinding, loadAskar, shared } from '../../src/askar/index.js'
import { keyContract } from './key-contract.js'
import { recordContract } from './record-contract.js'
import { storeContract } from './store-contract.js'

/** Loads a binding for this process, and tests all that holds for every binding. */
export async function askarContract(binding: AskarBinding): Promise<void> {
  const askar = await loadAskar({ binding })

  test('the binding is registered for CommonJS and ESM alike', async () => {
    assert.equal(shared.askar, askar)
    assert.equal((await import('@openwallet-foundation/askar-shared')).askar, askar)
    assert.equal(await loadAskar({ binding }), askar)
    await assert.rejects(loadAskar({ binding: binding === 'koffi' ? 'nodejs' : 'koffi' }), /loaded with the/)
    assert.match(askar.version(), /^0\.4\.\d+$/)
  })

  keyContract()
  for (const backend of ['sqlite', 'postgres'] as const) {
    storeContract(backend)
    recordContract(backend)
  }
}
