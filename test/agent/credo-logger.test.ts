import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CredoError } from '@credo-ts/core'
import { CredoLogger, fixedBeginning } from '../../src/agent/credo-logger.js'
import { createLogger, type LogLevel } from '../../src/lib/logger.js'

function capture(level: LogLevel) {
  const lines: string[] = []
  const root = createLogger({ level, format: 'json', destination: { write: (line) => lines.push(line) } })
  return { logger: new CredoLogger(root.child({ tenantId: 't1' })), lines, json: () => lines.map((x) => JSON.parse(x)) }
}

describe('credo logger', () => {
  test('keeps nothing of data or texts that hold content, at any level', () => {
    const { logger, lines } = capture('trace')
    for (const level of ['test', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) {
      logger[level]("Received message with type 'MARK'", { message: { content: 'MARK' }, seed: 'MARK' })
      logger[level]('Message is undeliverable to connection 3f2a (MARK)', { error: new CredoError('MARK') })
      logger[level]('{"content":"MARK"}')
      logger[level]('Error sending message: MARK', new Error('MARK'))
    }
    assert.equal(lines.length, 28)
    assert.equal(lines.join('').includes('MARK'), false)
  })

  test('says which tenant, what broke and where', () => {
    const { logger, json } = capture('debug')
    logger.error('Error handling message with type x', { error: new CredoError('MARK'), message: {} })
    const [line] = json()
    assert.equal(line.tenantId, 't1')
    assert.equal(line.component, 'credo')
    assert.equal(line.msg, 'Error handling message with type …')
    assert.equal(line.error.name, 'CredoError')
    assert.ok(line.error.stack.length > 0)
  })

  test('tells what Credo calls info at debug only', () => {
    const quiet = capture('info')
    quiet.logger.info('Automatically sending offer with autoAccept')
    assert.equal(quiet.lines.length, 0)
    const open = capture('debug')
    open.logger.info('Automatically sending offer with autoAccept')
    assert.equal(open.json()[0].msg, 'Automatically sending offer with autoAccept')
  })

  test('cuts a text where a value may start', () => {
    const cases: [string, string][] = [
      ['Outbound message has no associated connection', 'Outbound message has no associated connection'],
      ["Error resolving did 'did:web:x'", 'Error resolving did …'],
      ['resolving didUrl did:key:z6Mk', 'resolving didUrl …'],
      ['Processing message with id 0-1 and connection id 2', 'Processing message with id …'],
      ['Connecting to WebSocket wss://peer.example', 'Connecting to …'],
      ['issuance-abandoned: the reason', '…'],
      ['eyJhbGciOiJIUzI1NiJ9.e30.x', '…'],
      ['Key zKqTmHvRbNcXwLpJdFgS made', 'Key …'],
      ['', '…'],
    ]
    for (const [text, kept] of cases) assert.equal(fixedBeginning(text), kept)
    assert.ok(fixedBeginning('word '.repeat(1000)).length < 130)
  })
})
