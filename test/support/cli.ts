import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/bin.js', import.meta.url))

export interface CliRun {
  code: number | null
  stdout: string
  stderr: string
}

/** Starts a command as an operator would. */
export function startCli(args: string[], env: Record<string, string>): { child: ChildProcess; done: Promise<CliRun> } {
  const inherited = Object.fromEntries(
    ['PATH', 'HOME', 'LIB_ASKAR_PATH', 'NODE_V8_COVERAGE', 'TMPDIR'].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  )
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const run: CliRun = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    run.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    run.stderr += chunk
  })
  const done = once(child, 'close').then(([code]) => ({ ...run, code: code as number | null }))
  return { child, done }
}

/** Runs a command to its end. */
export const runCli = (args: string[], env: Record<string, string>): Promise<CliRun> => startCli(args, env).done
