import { readdirSync, readFileSync } from 'node:fs'

/** Far above any test file. */
const FILE_TIMEOUT_MS = 15 * 60_000
const LOOK_MS = 5_000

/**
 * Ends the processes of test files that do not end. Node's own timeouts end tests and hooks; but the process of a file that
 * something keeps, or that is stuck, it waits for as long as it takes, and so does the whole run.
 * @param runner process id of `node --test`, whose children run the files
 * @returns {() => void} stops looking
 */
export function endHungFiles(runner) {
  const since = new Map()
  const look = setInterval(() => {
    const now = Date.now()
    const running = childrenOf(runner)
    for (const pid of since.keys()) if (!running.includes(pid)) since.delete(pid)
    for (const pid of running) {
      if (!since.has(pid)) since.set(pid, now)
      if (now - since.get(pid) > FILE_TIMEOUT_MS) end(pid)
    }
  }, LOOK_MS)
  return () => clearInterval(look)
}

/** Tells what a process is at, and its descendants, and kills them. */
function end(pid) {
  const all = [pid, ...descendantsOf(pid)]
  console.error(`A test file does not end. Within ${FILE_TIMEOUT_MS / 60_000} minutes it came to this, and is killed:`)
  for (const one of all)
    console.error(`  ${one} ${stateOf(one)}: …${read(one, 'cmdline').replaceAll('\0', ' ').slice(-120)}`)
  for (const one of all) kill(one)
}

/** Its state, and what its main thread waits for in the kernel. */
function stateOf(pid) {
  const state = /^State:\s*(.*)$/m.exec(read(pid, 'status'))?.[1] ?? 'ended'
  return `${state}, in ${read(pid, 'wchan') || 'no call'}`
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended with those above it.
  }
}

const descendantsOf = (pid) => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])

function childrenOf(pid) {
  let threads = []
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    // It has ended.
  }
  return threads.flatMap((thread) => read(pid, `task/${thread}/children`).split(' ').filter(Boolean).map(Number))
}

function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
