import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { script } from './scripts.js'

const { isInStep } = await script('packages')
const { checkNode } = await script('node-version')

const locked = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b-win': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  },
}
const installed = (a?: object) => ({ packages: a ? { 'node_modules/a': a } : {} })

describe('installed packages', () => {
  test('are in step when each is there as locked, but for those of other platforms', () => {
    assert.equal(isInStep(locked, installed({ version: '1.0.0', integrity: 'sha512-a' })), true)
  })

  test('are not in step with another version, another content, or one missing', () => {
    assert.equal(isInStep(locked, installed({ version: '1.0.1', integrity: 'sha512-a' })), false)
    assert.equal(isInStep(locked, installed({ version: '1.0.0', integrity: 'sha512-x' })), false)
    assert.equal(isInStep(locked, installed()), false)
  })
})

test('a Node that is too old is refused by name', () => {
  for (const version of ['18.20.4', '20.18.3']) assert.throws(() => checkNode(version), new RegExp(`Node ${version}`))
  for (const version of ['20.19.0', '22.0.0']) checkNode(version)
})
