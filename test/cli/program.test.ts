import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { base58Decode } from '../../src/lib/base58.js'

const program = new URL('../../src/cli/program.js', import.meta.url).href

/** The command line with a gateway that does nothing but listen. */
const script = `
  import { createServer } from 'node:http'
  const { createProgram, runProgram } = await import(${JSON.stringify(program)})
  await runProgram(createProgram(async ({ config }) => {
    const server = createServer()
    return {
      start: () => new Promise((resolve, reject) => {
        server.once('error', reject).listen(config.port, config.host, () => {
          const url = 'http://127.0.0.1:' + server.address().port
          resolve({ url, explorerUrl: url + '/graphql' })
        })
      }),
      stop: async () => {
        if (process.env.HANG) await new Promise(() => {})
        server.close()
      },
    }
  }), process.argv.slice(1))`

interface Run {
  child: ChildProcess
  output: { stdout: string; stderr: string }
  ready: Promise<void>
  exit: Promise<number | null>
}

function run(t: TestContext, args: string[], env: Record<string, string> = {}): Run {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-cli-'))
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    env: { PATH: process.env.PATH, DATA_DIR: join(folder, 'data'), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    rmSync(folder, { recursive: true })
  })
  const output = { stdout: '', stderr: '' }
  const exit = once(child, 'close').then(([code]) => code as number | null)
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk
  })
  const ready = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      output.stdout += chunk
      if (output.stdout.includes('Explorer: ')) resolve()
    })
  })
  return { child, output, ready, exit }
}

test('serve prints its real URL and the operator key it made, logs apart, and stops on a signal', async (t) => {
  const { child, output, ready, exit } = run(t, ['serve'])
  await ready
  child.kill('SIGTERM')
  assert.equal(await exit, 0)
  assert.match(output.stdout, /^Operator key: operator_\S+$/m)
  assert.match(output.stdout, /^URL: http:\/\/127\.0\.0\.1:[1-9]\d*$/m)
  assert.match(output.stdout, /^Explorer: http:\/\/127\.0\.0\.1:\d+\/graphql$/m)
  assert.equal(output.stderr.includes('operator_'), false)
  for (const line of output.stderr.trim().split('\n')) assert.ok(JSON.parse(line).msg)
})

test('serve tells the operator key it made at the first start that is ready, and later where it lies', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-cli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const DATA_DIR = join(folder, 'data')
  const file = join(DATA_DIR, 'secrets', 'operator-api-keys')
  const { port } = server.address() as AddressInfo
  const failed = run(t, ['serve'], { DATA_DIR, PORT: `${port}` })
  assert.equal(await failed.exit, 1)
  assert.equal(failed.output.stdout, '')
  const { child, output, ready, exit } = run(t, ['serve'], { DATA_DIR })
  await ready
  child.kill('SIGTERM')
  await exit
  assert.ok(output.stdout.startsWith(`The operator key is in ${file}\n`), output.stdout)
  assert.equal(output.stdout.includes(readFileSync(file, 'utf8').trim()), false)
  const given = run(t, ['serve'], { DATA_DIR, OPERATOR_API_KEYS: 'an-operator-key-0123456789' })
  await given.ready
  given.child.kill('SIGTERM')
  await given.exit
  assert.equal(given.output.stdout.includes('Operator key'), false)
})

test('serve ends at once on a second signal', async (t) => {
  const { child, output, ready, exit } = run(t, ['serve'], { HANG: '1' })
  await ready
  child.kill('SIGINT')
  while (!output.stderr.includes('stopping')) await new Promise((resolve) => setTimeout(resolve, 10))
  child.kill('SIGINT')
  assert.equal(await exit, 1)
})

test('serve says in one line that the port is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { output, exit } = run(t, ['serve', '--port', String(port)])
  assert.equal(await exit, 1)
  assert.match(output.stderr, new RegExp(`^PORT: ${port} on 127.0.0.1 is taken.*\\n$`))
})

test('a wrong setting is one line and exit 2, before anything is made', async (t) => {
  const { output, exit } = run(t, ['serve', '--token-ttl', 'soon'])
  assert.equal(await exit, 2)
  assert.match(output.stderr, /^TOKEN_TTL: [^\n]*\(given by --token-ttl\)\n$/)
  assert.equal(output.stdout, '')
})

test('an unknown flag or command is exit 2', async (t) => {
  assert.equal(await run(t, ['serve', '--prot', '1']).exit, 2)
  assert.equal(await run(t, ['sevre']).exit, 2)
})

test('a default policy that is none is one line and exit 2, before anything is made', async (t) => {
  for (const [policy, told] of [
    ['{"maxConnections": -1}', /^DEFAULT_POLICY: policy\.maxConnections does not fit: 0 to .*\n$/],
    ['{"connections": 5}', /^DEFAULT_POLICY: policy has a key that is not known\. Known are .*\n$/],
  ] as const) {
    const { output, exit } = run(t, ['serve'], { DEFAULT_POLICY: policy })
    assert.equal(await exit, 2)
    assert.match(output.stderr, told)
    assert.equal(output.stdout, '')
  }
})

test('config prints what is in effect without secrets', async (t) => {
  const { output, exit } = run(t, ['config', '--log-level', 'warn'], { JWT_SECRET: 'MARK'.repeat(8), PORT: '4100' })
  assert.equal(await exit, 0)
  const printed = JSON.parse(output.stdout)
  assert.equal(printed.logLevel, 'warn')
  assert.equal(printed.port, 4100)
  assert.equal(output.stdout.includes('MARK'), false)
})

test('version and help answer with exit 0', async (t) => {
  const version = run(t, ['--version'])
  assert.equal(await version.exit, 0)
  assert.match(version.output.stdout, /^\d+\.\d+\.\d+\n$/)
  const help = run(t, ['serve', '--help'])
  assert.equal(await help.exit, 0)
  assert.match(help.output.stdout, /--public-url <value>/)
  assert.match(help.output.stdout, /--store-key-file <path>/)
})

test('help lists every command, each with a line of its own that says what it does', async (t) => {
  const { output, exit } = run(t, ['--help'])
  assert.equal(await exit, 0)
  const listed = output.stdout.slice(output.stdout.indexOf('Commands:'))
  for (const name of ['serve', 'config', 'schema', 'doctor', 'backup', 'restore', 'rotate-store-key', 'tenant']) {
    assert.match(listed, new RegExp(`^  ${name}( \\[options\\])? +[a-z][a-zA-Z ]{12,}`, 'm'), name)
  }
})

test('new-store-key prints a key that a new store can have, another each time', async (t) => {
  const runs = [run(t, ['new-store-key']), run(t, ['new-store-key'])]
  assert.deepEqual(await Promise.all(runs.map(({ exit }) => exit)), [0, 0])
  const [key = '', another] = runs.map(({ output }) => output.stdout.trim())
  assert.equal(base58Decode(key).length, 32)
  assert.notEqual(key, another)
  const { output, exit } = run(t, ['config'], { DATABASE_URL: 'postgres://127.0.0.1/none', STORE_KEY: key })
  assert.equal(await exit, 0, output.stderr)
})
