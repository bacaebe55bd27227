import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLibrary, shared } from '../../src/askar/index.js'
import { createKoffiAskar } from '../../src/askar/koffi/koffi-askar.js'
import { askarContract } from './contract.js'

await askarContract('nodejs')

test('the koffi binding has every method of the reference', () => {
  const helpers = ['constructor', 'nativeAskar', 'getAskarError', 'handleError']
  const reference = Object.getOwnPropertyNames(Object.getPrototypeOf(shared.askar)).filter(
    (name) => !helpers.includes(name),
  )
  const methods = new Set(Object.keys(createKoffiAskar(findLibrary())))
  assert.ok(reference.length > 70)
  assert.deepEqual(
    reference.filter((name) => !methods.has(name)),
    [],
  )
})
