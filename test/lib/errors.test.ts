import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  badInput,
  errorCodes,
  GatewayError,
  isGatewayError,
  notFound,
  peerUnreachable,
  rateLimited,
  unauthenticated,
} from '../../src/lib/errors.js'

describe('errors', () => {
  test('carries code, field, retryAfter and cause', () => {
    const cause = new Error('inside')
    const error = new GatewayError('CONFLICT', 'Choose another name.', { field: 'input.name', retryAfter: 3, cause })
    assert.equal(error.code, 'CONFLICT')
    assert.equal(error.field, 'input.name')
    assert.equal(error.retryAfter, 3)
    assert.equal(error.cause, cause)
    assert.ok(error instanceof Error)
  })

  test('leaves out what was not given', () => {
    const error = badInput('Give a name.')
    assert.deepEqual(Object.keys(error).sort(), ['code', 'name'])
    assert.equal('cause' in error, false)
  })

  test('gives one message for every kind of bad credentials', () => {
    assert.equal(unauthenticated().message, unauthenticated(new Error('expired')).message)
  })

  test('tells nothing of the cause in the message', () => {
    assert.equal(peerUnreachable(new Error('connect ECONNREFUSED 10.0.0.1')).message, peerUnreachable().message)
  })

  test('is told from other errors, and by code', () => {
    assert.equal(isGatewayError(notFound()), true)
    assert.equal(isGatewayError(notFound(), 'NOT_FOUND'), true)
    assert.equal(isGatewayError(rateLimited(2), 'NOT_FOUND'), false)
    assert.equal(isGatewayError(Object.assign(new Error('x'), { code: 'NOT_FOUND' })), false)
  })

  test('has each code once', () => {
    assert.equal(new Set(errorCodes).size, errorCodes.length)
  })
})
