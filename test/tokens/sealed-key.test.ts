import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { newId } from '../../src/lib/ids.js'
import { openKey, sealKey } from '../../src/tenants/sealed-key.js'

const keyOf = (text: string) => createSecretKey(text, 'utf8')
const secret = keyOf('a-secret-of-at-least-32-bytes-0123456789')
const other = keyOf('another-secret-of-at-least-32-bytes-012345')
const WALLET_KEY = 'correct horse battery staple, ünd mehr'

describe('a sealed wallet key', () => {
  test('opens for its token, and for no other', async () => {
    const id = newId()
    const sealed = await sealKey([secret], id, WALLET_KEY)
    assert.deepEqual(decodeProtectedHeader(sealed), { alg: 'dir', enc: 'A256GCM' })
    assert.equal(await openKey([secret], id, sealed), WALLET_KEY)
    assert.equal(await openKey([secret], newId(), sealed), undefined)
  })

  test('is the same each time for one token, and unlike any other', async () => {
    const id = newId()
    const sealed = await sealKey([secret], id, WALLET_KEY)
    assert.equal(await sealKey([secret], id, WALLET_KEY), sealed)
    const others = await Promise.all([
      sealKey([secret], newId(), WALLET_KEY),
      sealKey([secret], id, `${WALLET_KEY}!`),
      sealKey([other], id, WALLET_KEY),
    ])
    const ivs = [sealed, ...others].map((jwe) => jwe.split('.')[2])
    assert.equal(new Set(ivs).size, 4)
  })

  test('opens with a secret that no longer seals, until it is gone', async () => {
    const id = newId()
    const sealed = await sealKey([secret], id, WALLET_KEY)
    assert.equal(await openKey([other, secret], id, sealed), WALLET_KEY)
    assert.equal(await openKey([other], id, sealed), undefined)
  })

  test('does not open when changed, nor when it is nothing of the kind', async () => {
    const id = newId()
    const parts = (await sealKey([secret], id, WALLET_KEY)).split('.')
    for (const at of [0, 2, 3, 4]) {
      const changed = parts.map((part, index) =>
        index === at ? `${part[0] === 'A' ? 'B' : 'A'}${part.slice(1)}` : part,
      )
      assert.equal(await openKey([secret], id, changed.join('.')), undefined)
    }
    for (const text of ['', 'a.b.c.d.e', 'garbage']) assert.equal(await openKey([secret], id, text), undefined)
  })
})
