import { spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, connect as openSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from './failure.mjs'
import { run, tail } from './run.mjs'

const READY_MS = 30_000

/**
 * Starts a Postgres of our own in a temporary folder, reachable from this machine only, without a password.
 * @returns {Promise<{ url: string, stop: () => Promise<void> } | undefined>} nothing where it is not installed
 */
export async function startPostgres() {
  const bin = postgresFolder()
  if (!bin) return undefined
  // Postgres refuses to run as root.
  const owner = process.getuid?.() === 0 ? await otherUser() : {}
  const folder = temporaryFolder(owner)
  const data = join(folder, 'data')
  const settings = ['-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  const made = await run(join(bin, 'initdb'), ['-D', data, ...settings], { cwd: folder, ...owner })
  if (!made.ok) {
    rmSync(folder, { recursive: true, force: true })
    throw new Failure(`initdb failed:\n${tail(made.output, 10)}`)
  }
  const port = await freePort()
  const options = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'max_connections=200',
  ]
  const args = ['-D', data, '-p', String(port), ...options.flatMap((option) => ['-c', option])]
  // SIGINT is Postgres' fast shutdown: it does not wait for clients.
  const stop = await start(join(bin, 'postgres'), args, { folder, port, owner, signal: 'SIGINT' })
  return { url: `postgres://postgres@127.0.0.1:${port}`, stop }
}

/**
 * Starts a Redis of our own that keeps nothing on disk, reachable from this machine only.
 * @returns {Promise<{ url: string, stop: () => Promise<void> } | undefined>} nothing where it is not installed
 */
export async function startRedis() {
  const bin = pathFolders().find((folder) => existsSync(join(folder, 'redis-server')))
  if (!bin) return undefined
  const folder = temporaryFolder({})
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const stop = await start(join(bin, 'redis-server'), args, { folder, port, owner: {}, signal: 'SIGTERM' })
  return { url: `redis://127.0.0.1:${port}`, stop }
}

/** Starts a server and waits until it takes connections. The result stops it and removes its folder, once. */
async function start(command, args, { folder, port, owner, signal }) {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...owner })
  let output = ''
  const collect = (chunk) => {
    output = (output + chunk).slice(-4_000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = new Promise((resolve) => child.on('close', resolve).on('error', collect))
  const stop = async () => {
    if (child.exitCode === null && child.pid) {
      child.kill(signal)
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const until = performance.now() + READY_MS
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode || performance.now() > until) {
      await stop()
      throw new Failure(`${command} did not start:\n${output}`)
    }
    await sleep(50)
  }
  return stop
}

/** Distributions keep the server's programs of each version apart, off the PATH; the newest is taken. */
function postgresFolder() {
  const roots = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/usr']
  const versions = roots.flatMap((parent) =>
    (existsSync(parent) ? readdirSync(parent) : [])
      .filter((name) => /^(\d+$|postgresql@|pgsql-)/.test(name))
      .sort((a, b) => Number(b.match(/\d+/)) - Number(a.match(/\d+/)))
      .map((name) => join(parent, name, 'bin')),
  )
  const complete = (folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))
  return [...pathFolders(), ...versions].find(complete)
}

const pathFolders = () => (process.env.PATH ?? '').split(delimiter).filter(Boolean)

async function otherUser() {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [await run('id', ['-u', name]), await run('id', ['-g', name])]
    if (uid.ok && gid.ok) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Failure('Postgres does not run as root, and there is neither a user postgres nor nobody.')
}

function temporaryFolder({ uid, gid }) {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-service-'))
  if (uid !== undefined) chownSync(folder, uid, gid)
  return folder
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = openSocket(port, '127.0.0.1')
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
