import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newStoreKey } from '../src/config/secrets.js'
import { settings } from '../src/config/settings.js'
import { runCli } from './support/cli.js'
import { freePort } from './support/ports.js'
import { tempDir } from './support/services.js'
import { eventually } from './support/talk.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const KEY = 'deploy-operator-key-0123456789'

/** The instructions of the image that is made in the end, as `COPY` and what follows. */
const instructions = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8')
  .split(/^FROM .*$/m)
  .at(-1)
  ?.split('\n')
  .flatMap((line) => (/^[A-Z]/.test(line) ? [line.split(/ (.*)/)] : [])) as [string, string][]
const all = (name: string) => instructions.flatMap(([found, rest]) => (found === name ? [rest] : []))
const only = (name: string) => all(name).join()
const list = (text: string) => JSON.parse(text.slice(text.indexOf('['))) as [string, ...string[]]
const variables = Object.fromEntries(
  only('ENV')
    .split(' ')
    .map((pair) => pair.split('=')),
) as Record<string, string>

const known = new Set<string>(settings.flatMap(({ name }) => [name, `${name}_FILE`]))

describe('the image', () => {
  const folder = tempDir()
  const app = join(folder.path, 'app')
  let env: Record<string, string>

  /** A command of the image, where its files lie here. */
  const here = ([program, ...args]: [string, ...string[]]) =>
    [program === 'node' ? process.execPath : program, args.map((arg) => arg.replace(/^\/app/, app))] as const

  before(async () => {
    for (const copied of all('COPY')) {
      const [, from = '', to = ''] = /^--from=build \/build\/(\S+) (\S+)$/.exec(copied) ?? []
      const target = join(app, to, to.endsWith('/') ? from : '')
      // They are too many to be copied, and packages do not look for what is beside them.
      if (from === 'node_modules') symlinkSync(join(root, from), target)
      else cpSync(join(root, from), target, { recursive: true })
    }
    const { PATH = '' } = process.env
    const data = join(folder.path, 'data')
    env = { ...variables, PATH, PORT: `${await freePort()}`, DATA_DIR: data, OPERATOR_API_KEYS: KEY }
  })
  after(() => folder.remove())

  test('has all that the gateway needs, which is well as long as it serves', async () => {
    const [health, healthArgs] = here(list(only('HEALTHCHECK')))
    const isHealthy = () => spawnSync(health, healthArgs, { env }).status === 0
    assert.equal(isHealthy(), false)
    const [program, args] = here([...list(only('ENTRYPOINT')), ...list(only('CMD'))])
    const gateway = spawn(program, args, { env, cwd: app, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    gateway.stderr.on('data', (chunk) => {
      log += chunk
    })
    const ended = once(gateway, 'exit')
    try {
      await eventually(async () => isHealthy(), 60_000).catch((cause) => assert.fail(`${cause.message}:\n${log}`))
      const url = `http://127.0.0.1:${env['PORT']}`
      const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })
      assert.match(await page.text(), /<html/)
      const body = JSON.stringify({
        query: 'mutation { createTenant(input: {name: "acme"}) { tenant { name } } }',
      })
      const headers = { 'content-type': 'application/json', 'x-api-key': KEY }
      const made = await fetch(`${url}/graphql`, { method: 'POST', headers, body })
      assert.deepEqual(await made.json(), { data: { createTenant: { tenant: { name: 'acme' } } } })
    } finally {
      gateway.kill('SIGTERM')
    }
    assert.deepEqual(await ended, [0, null])
    assert.equal(isHealthy(), false)
  })

  test('sets what are settings', () => {
    const own = Object.keys(variables).filter((name) => name !== 'NODE_ENV')
    assert.deepEqual(own, ['HOST', 'PORT', 'DATA_DIR'])
    assert.ok(own.every((name) => known.has(name)))
  })
})

test('the composition gives the gateway what it starts with', async () => {
  const text = readFileSync(join(root, 'deploy/compose.yaml'), 'utf8')
  const [gateway = ''] = text.split(/^ {2}postgres:$/m)
  const given = { STORE_KEY: newStoreKey(), POSTGRES_PASSWORD: 'a-password' }
  const env = Object.fromEntries(
    [...gateway.matchAll(/^ {6}([A-Z_]+): (.*)$/gm)].map(([, name, value = '']) => [
      name,
      // As Compose fills in what it is given, or what stands there for when it is not.
      value.replace(/\$\{(\w+)(?::-([^}]*))?[^}]*\}/g, (_, of, or) => given[of as keyof typeof given] ?? or),
    ]),
  )
  assert.deepEqual(
    Object.keys(env).filter((name) => !known.has(name)),
    [],
  )
  const { code, stdout, stderr } = await runCli(['config'], { ...variables, ...env })
  assert.equal(code, 0, stderr)
  assert.equal(JSON.parse(stdout).publicUrl, 'http://127.0.0.1:4000')
})
