import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const HEARTBEAT_MS = 2_000
const SILENCE_MS = 30_000
const POLL_MS = 200

/**
 * Runs work while no other process runs work under the same lock.
 *
 * The lock is a folder with one file, named by its holder, moved into place in one step. To break a stale lock is
 * to remove that very file: of two who find the same holder dead neither can remove the lock of a third.
 *
 * @template T
 * @param {string} path the lock's folder; its parent is made if missing
 * @param {() => Promise<T>} work
 * @param {{ onWait?: () => void, silenceMs?: number }} [options] `onWait` is called once if another holds the lock;
 *   a holder on another machine counts as gone after `silenceMs` without a heartbeat
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, silenceMs = SILENCE_MS } = {}) {
  const holder = await acquire(path, onWait, silenceMs)
  const file = join(path, holder)
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS)
  heartbeat.unref()
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    rmSync(file, { force: true })
    removeEmpty(path)
  }
}

async function acquire(path, onWait, silenceMs) {
  const holder = `${process.pid}@${hostname()}@${randomUUID()}`
  let waiting = false
  const seen = { mark: '', at: 0 }
  while (!take(path, holder)) {
    const other = holderOf(path)
    if (other && isGone(path, other, seen, silenceMs)) {
      rmSync(join(path, other), { force: true })
      continue
    }
    if (other && !waiting) onWait?.()
    waiting ||= Boolean(other)
    await sleep(POLL_MS)
  }
  return holder
}

/** Moves a prepared folder to the lock's place. An empty folder there is a lock given back or broken. */
function take(path, holder) {
  const prepared = `${path}.${holder}`
  mkdirSync(prepared, { recursive: true })
  writeFileSync(join(prepared, holder), '')
  removeEmpty(path)
  try {
    renameSync(prepared, path)
    return true
  } catch (error) {
    rmSync(prepared, { recursive: true, force: true })
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'EBUSY'].includes(error.code)) return false
    throw error
  }
}

function holderOf(path) {
  try {
    return readdirSync(path)[0]
  } catch {
    return undefined
  }
}

/** On this machine a holder is gone when its process is; elsewhere when it was not heard of for long. */
function isGone(path, other, seen, silenceMs) {
  const [pid, host] = other.split('@')
  if (host === hostname() && !isAlive(Number(pid))) return true
  const mark = `${other} ${modified(join(path, other))}`
  if (mark !== seen.mark) Object.assign(seen, { mark, at: performance.now() })
  return performance.now() - seen.at > silenceMs
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function modified(file) {
  try {
    return statSync(file).mtimeMs
  } catch {
    return 0
  }
}

function touch(file) {
  const now = new Date()
  try {
    utimesSync(file, now, now)
  } catch {
    // Broken by another who thought this process dead: the work goes on, its end removes nothing of the other's.
  }
}

function removeEmpty(path) {
  try {
    rmdirSync(path)
  } catch {
    // Not there, or held.
  }
}
