/** A gateway of a demo's own, on embedded defaults in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tell } from './two-tenants.js'

const gatewayProgram = fileURLToPath(new URL('../src/bin.js', import.meta.url))

/** Starts a gateway, tells a story against it, stops it, and removes its folder. */
export async function demo(story: (url: string, operatorKey: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-demo-'))
  const gateway = startGateway(folder)
  try {
    const { url, operatorKey } = await ready(gateway)
    tell('demo', `started a gateway at ${url}`)
    await story(url, operatorKey)
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  } finally {
    if (gateway.exitCode === null && gateway.signalCode === null) {
      gateway.kill('SIGTERM')
      await once(gateway, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
    tell('demo', 'stopped the gateway, and removed its folder')
  }
}

/** On embedded defaults: nothing of the user's own configuration, database or secrets. */
function startGateway(dataDir: string): ChildProcess {
  const { PATH, HOME, TMPDIR, LIB_ASKAR_PATH, LIB_ANONCREDS_PATH } = process.env
  const inherited = { PATH, HOME, TMPDIR, LIB_ASKAR_PATH, LIB_ANONCREDS_PATH }
  return spawn(process.execPath, [gatewayProgram, 'serve'], {
    env: { ...inherited, HOST: '127.0.0.1', PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Reads what the gateway prints until it listens. The operator key is made at the first start, and printed once. */
async function ready({ stdout }: ChildProcess): Promise<{ url: string; operatorKey: string }> {
  let printed = ''
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    printed += chunk
    const url = /^URL: (\S+)$/m.exec(printed)?.[1]
    const operatorKey = /^Operator key: (\S+)$/m.exec(printed)?.[1]
    if (url && operatorKey && /^Explorer: \S+$/m.test(printed)) return { url, operatorKey }
  }
  throw new Error('The gateway ended before it was ready')
}
