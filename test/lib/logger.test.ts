import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { conflict } from '../../src/lib/errors.js'
import { createLogger, type LoggerOptions } from '../../src/lib/logger.js'

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const logger = createLogger({ level: 'trace', format: 'json', destination, ...options })
  return { logger, lines, json: () => lines.map((line) => JSON.parse(line)) }
}

describe('logger', () => {
  test('writes allow-listed fields and drops every other', () => {
    const { logger, lines, json } = capture()
    logger.info('opened', { tenantId: 't1', durationMs: 3, walletKey: 'MARK', content: 'MARK', nested: { a: 'MARK' } })
    const { time, ...rest } = json()[0]
    assert.ok(Date.parse(time))
    assert.deepEqual(rest, { level: 'info', msg: 'opened', tenantId: 't1', durationMs: 3 })
    assert.equal(lines.join('').includes('MARK'), false)
  })

  test('drops an object under an allowed name', () => {
    const { logger, lines } = capture()
    logger.error('failed', { state: { seed: 'MARK' }, code: ['MARK'], recordId: Buffer.from('MARK') })
    assert.equal(lines.join('').includes('MARK'), false)
    assert.equal(lines.join('').includes('seed'), false)
  })

  test('puts the tenant on every line of a child', () => {
    const { logger, json } = capture()
    const child = logger.child({ tenantId: 't1', token: 'MARK' }).child({ connectionId: 'c1' })
    child.warn('slow')
    child.error('failed', { attempts: 2 })
    for (const line of json()) {
      assert.equal(line.tenantId, 't1')
      assert.equal(line.connectionId, 'c1')
      assert.equal('token' in line, false)
    }
  })

  test('keeps the message of our own errors only', () => {
    const { logger, lines, json } = capture({ level: 'info' })
    logger.error('failed', { error: conflict('Choose another name.') })
    logger.error('failed', { error: Object.assign(new TypeError('MARK'), { code: 'E_X', query: 'MARK' }) })
    logger.error('failed', { error: 'MARK' })
    assert.deepEqual(
      json().map(({ error: { stack, ...rest } }) => rest),
      [
        { name: 'GatewayError', code: 'CONFLICT', message: 'Choose another name.' },
        { name: 'TypeError', code: 'E_X' },
        { name: 'string' },
      ],
    )
    assert.equal(lines.join('').includes('MARK'), false)
  })

  test('shows where an unexpected error came from, still without its message', () => {
    const { logger, lines, json } = capture()
    logger.error('failed', { error: new Error('MARK one\n    at MARK two') })
    assert.match(json()[0].error.stack[0], /logger\.test\.[jt]s:\d+:\d+/)
    assert.equal(lines.join('').includes('MARK'), false)
  })

  test('strips query, fragment and credentials from a url', () => {
    const { logger, json } = capture()
    logger.info('sent', { url: 'https://user:MARK@peer.example:8443/didcomm?oob=MARK#MARK' })
    logger.info('sent', { url: 'not a url MARK' })
    assert.equal(json()[0].url, 'https://peer.example:8443/didcomm')
    assert.equal(json()[1].url, undefined)
  })

  test('writes nothing below its level', () => {
    const { logger, lines } = capture({ level: 'warn' })
    logger.info('quiet')
    assert.equal(lines.length, 0)
    assert.equal(logger.isEnabled('info'), false)
    assert.equal(logger.isEnabled('error'), true)
    assert.equal(logger.child({}).level, 'warn')
  })

  test('gives a tenant a level of its own, and takes it away, also of children that are there already', () => {
    const { logger, json } = capture({ level: 'info' })
    const child = logger.child({ tenantId: 't1' })
    logger.setTenantLevel('t1', 'debug')
    child.debug('a')
    logger.debug('b', { tenantId: 't1' })
    logger.debug('quiet', { tenantId: 't2' })
    logger.debug('quiet')
    assert.deepEqual([child.level, child.isEnabled('debug'), logger.isEnabled('debug')], ['debug', true, false])
    assert.equal(logger.isEnabled('debug', 't1'), true)
    logger.setTenantLevel('t1', 'silent')
    child.fatal('quiet')
    logger.setTenantLevel('t1', null)
    child.info('c')
    assert.deepEqual(
      json().map(({ msg, tenantId }) => [msg, tenantId]),
      [
        ['a', 't1'],
        ['b', 't1'],
        ['c', 't1'],
      ],
    )
  })

  test('writes one readable line at a time when pretty', () => {
    const { logger, lines } = capture({ format: 'pretty' })
    logger.info('listening', { port: 4000, secret: 'MARK' })
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /INFO.*listening.*"port":4000/)
    assert.equal(lines.join('').includes('MARK'), false)
  })
})
