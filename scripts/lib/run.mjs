import { spawn } from 'node:child_process'
import { root } from './paths.mjs'

/**
 * Runs a program to its end without a shell and collects what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, timeoutMs?: number, cwd?: string, uid?: number, gid?: number, shell?: boolean }} [options]
 * @returns {Promise<{ ok: boolean, stdout: string, output: string }>} never rejects: a program that is not
 *   there, fails or takes too long is `ok: false`, with the reason in `output`
 */
export function run(command, args, { timeoutMs, ...options } = {}) {
  return new Promise((resolve) => {
    let stdout = ''
    let output = ''
    let timer
    const done = (ok, more = '') => {
      clearTimeout(timer)
      resolve({ ok, stdout, output: (output + more).trim() })
    }
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => done(false, error.message))
    child.on('close', (code, signal) => done(code === 0, signal ? `\nended by ${signal}` : ''))
    if (timeoutMs) {
      timer = setTimeout(() => {
        output += `\nnot done after ${timeoutMs / 1000} s`
        child.kill('SIGKILL')
      }, timeoutMs)
    }
  })
}

/** Runs a JavaScript file with the Node that runs this. Same result as {@link run}. */
export const runNode = (file, args, options) => run(process.execPath, [file, ...args], options)

/**
 * Runs npm: the one that started this script if there is one, else the one on the PATH. Same result as {@link run}.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export function runNpm(args, env = process.env) {
  const own = env.npm_execpath
  if (own?.endsWith('.js')) return runNode(own, args, { env })
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { env, shell: process.platform === 'win32' })
}

/** The end of a program's output, enough to see what went wrong. */
export const tail = (output, lines = 40) => output.split('\n').slice(-lines).join('\n')
