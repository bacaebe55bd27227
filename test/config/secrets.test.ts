import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect, promisify } from 'node:util'
import { ConfigError } from '../../src/config/config-error.js'
import { readSettings } from '../../src/config/env.js'
import { checkSecrets, loadSecrets } from '../../src/config/secrets.js'
import { base58Decode, base58Encode } from '../../src/lib/base58.js'
import { sha256 } from '../../src/lib/ids.js'

const storeKey = base58Encode(new Uint8Array(32).fill(7))
const jwtSecret = 'j'.repeat(32)
const all = { STORE_KEY: storeKey, OPERATOR_API_KEYS: 'operator-key-number-one', JWT_SECRET: jwtSecret }

function dataDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-secrets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'data')
}

function load(
  dir: string,
  env: Record<string, string> = {},
  options: { databaseUrl?: string; adminApi?: boolean } = {},
) {
  return loadSecrets(readSettings({ env }), { dataDir: dir, adminApi: true, ...options })
}

test('secrets that are not given are made once, for their owner only', (t) => {
  const dir = dataDir(t)
  const first = load(dir)
  const second = load(dir)
  assert.equal(base58Decode(first.secrets.storeKey).length, 32)
  assert.equal(first.secrets.storeKey, second.secrets.storeKey)
  assert.deepEqual(first.secrets.jwtSecrets, second.secrets.jwtSecrets)
  assert.ok(first.generated.operatorKey)
  assert.equal(second.generated.operatorKey, undefined)
  for (const { operatorKeyFile } of [first, second]) {
    assert.equal(operatorKeyFile, join(dir, 'secrets', 'operator-api-keys'))
  }
  assert.equal(second.secrets.operatorKeyNumber(sha256(first.generated.operatorKey)), 1)
  assert.deepEqual(first.warnings.concat(second.warnings), [])
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  assert.equal(statSync(join(dir, 'secrets')).mode & 0o777, 0o700)
  const files = readdirSync(join(dir, 'secrets')).sort()
  assert.deepEqual(files, ['jwt-secret', 'operator-api-keys', 'store-key'])
  for (const name of files) assert.equal(statSync(join(dir, 'secrets', name)).mode & 0o777, 0o600)
})

test('secrets that are given are used, and nothing is written', (t) => {
  const dir = dataDir(t)
  const { secrets, generated, operatorKeyFile, warnings } = load(dir, {
    ...all,
    JWT_SECRET: `${jwtSecret},${'k'.repeat(40)}`,
  })
  assert.equal(secrets.storeKey, storeKey)
  assert.deepEqual(
    secrets.jwtSecrets.map((bytes) => new TextDecoder().decode(bytes)),
    [jwtSecret, 'k'.repeat(40)],
  )
  assert.ok(secrets.operatorKeyNumber(sha256('operator-key-number-one')))
  assert.deepEqual(generated, {})
  assert.equal(operatorKeyFile, undefined)
  assert.deepEqual(warnings, [])
  assert.throws(() => statSync(dir), { code: 'ENOENT' })
})

test('an operator key is one of the list, whole', (t) => {
  const { secrets } = load(dataDir(t), {
    ...all,
    OPERATOR_API_KEYS: 'operator-key-number-one, operator-key-number-two',
  })
  assert.ok(secrets.operatorKeyNumber(sha256('operator-key-number-one')))
  assert.ok(secrets.operatorKeyNumber(sha256('operator-key-number-two')))
  for (const wrong of ['', 'operator-key', 'operator-key-number-one, operator-key-number-two', 'x']) {
    assert.equal(secrets.operatorKeyNumber(sha256(wrong)), undefined)
  }
})

test('secrets show nothing when printed or serialised', (t) => {
  const { secrets } = load(dataDir(t), all)
  const shown = `${JSON.stringify({ secrets })}${inspect(secrets, { depth: 9, showHidden: true })}${secrets}`
  for (const value of Object.values(all)) assert.equal(shown.includes(value), false)
})

test('no operator key is made where it would not be looked at', (t) => {
  const dir = dataDir(t)
  const { generated, secrets } = load(dir, {}, { adminApi: false })
  assert.deepEqual(generated, {})
  assert.equal(secrets.operatorKeyNumber(sha256('')), undefined)
  assert.deepEqual(readdirSync(join(dir, 'secrets')).sort(), ['jwt-secret', 'store-key'])
})

test('with a database the store key must be given, and what is not shared is warned of', (t) => {
  const dir = dataDir(t)
  const databaseUrl = 'postgres://db/tenantry'
  assert.throws(() => load(dir, {}, { databaseUrl }), /^ConfigError: STORE_KEY: must be given with DATABASE_URL/)
  assert.throws(() => statSync(dir), { code: 'ENOENT' })
  const { warnings } = load(dir, { STORE_KEY: storeKey }, { databaseUrl })
  assert.deepEqual(
    warnings.map((line) => line.split(':')[0]),
    ['JWT_SECRET', 'OPERATOR_API_KEYS'],
  )
})

const wrong: [string, string, RegExp][] = [
  ['STORE_KEY', 'MARK0', /^STORE_KEY: .* other characters$/],
  ['STORE_KEY', base58Encode(new Uint8Array(31).fill(9)), /^STORE_KEY: .* not of 31$/],
  ['STORE_KEY', '1'.repeat(10_000), /^STORE_KEY: /],
  ['JWT_SECRET', 'MARK', /^JWT_SECRET: entry 1 must have at least 32 bytes$/],
  ['JWT_SECRET', `${jwtSecret},MARK`, /^JWT_SECRET: entry 2 /],
  ['OPERATOR_API_KEYS', 'operator-key-number-one,,MARK', /^OPERATOR_API_KEYS: key 2 /],
  ['OPERATOR_API_KEYS', 'MARK with spaces', /^OPERATOR_API_KEYS: key 1 /],
]
for (const [name, value, message] of wrong) {
  test(`a wrong ${name} is refused without repeating it: ${message.source}`, () => {
    assert.throws(
      () => checkSecrets(readSettings({ env: { ...all, [name]: value } }), {}),
      (error) => error instanceof ConfigError && message.test(error.message) && !error.message.includes('MARK'),
    )
  })
}

test('a JWT secret counts by bytes and is not trimmed', (t) => {
  const { secrets } = load(dataDir(t), { ...all, JWT_SECRET: ` ${'ü'.repeat(16)}` })
  assert.equal(secrets.jwtSecrets[0]?.length, 33)
})

test('a short operator key works but is warned of', (t) => {
  const { secrets, warnings } = load(dataDir(t), { ...all, OPERATOR_API_KEYS: 'short' })
  assert.ok(secrets.operatorKeyNumber(sha256('short')))
  assert.match(warnings.join(), /^OPERATOR_API_KEYS: /)
})

test('a secret that others can read is warned of', (t) => {
  const dir = dataDir(t)
  load(dir)
  chmodSync(join(dir, 'secrets', 'store-key'), 0o644)
  assert.match(load(dir).warnings.join(), /^STORE_KEY: others can read .*store-key/)
})

test('a stored secret that was damaged is refused, not replaced', (t) => {
  const dir = dataDir(t)
  load(dir)
  const path = join(dir, 'secrets', 'store-key')
  writeFileSync(path, '')
  assert.throws(() => load(dir), /STORE_KEY: must be base58 of 32 bytes/)
  assert.equal(readFileSync(path, 'utf8'), '')
})

test('a data folder that cannot be made is one line that names it', (t) => {
  const dir = dataDir(t)
  writeFileSync(dir, 'a file')
  assert.throws(() => load(dir), /^ConfigError: DATA_DIR: cannot read or write .*store-key \(ENOTDIR\)/)
})

test('processes that start at once get the same secrets', async (t) => {
  const dir = dataDir(t)
  const secrets = new URL('../../src/config/secrets.js', import.meta.url).href
  const script = `
    const { loadSecrets } = await import(${JSON.stringify(secrets)})
    const { secrets, generated } = loadSecrets({}, { dataDir: process.argv[1], adminApi: true })
    console.log(secrets.storeKey, generated.operatorKey ? 'made' : 'found')`
  const run = promisify(execFile)
  const outputs = await Promise.all(
    Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '-e', script, dir])),
  )
  const results = outputs.map(({ stdout }) => stdout.trim().split(' '))
  assert.equal(new Set(results.map(([key]) => key)).size, 1)
  assert.equal(results.filter(([, how]) => how === 'made').length, 1)
  assert.equal(readdirSync(join(dir, 'secrets')).length, 3)
})
