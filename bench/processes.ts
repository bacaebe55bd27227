import { readdirSync, readFileSync } from 'node:fs'

/** `/proc` counts CPU time in ticks of USER_HZ, which Linux fixes at 100 a second for user space. */
const TICKS_PER_SECOND = 100

interface Stat {
  parent: number
  /** User and system time of all its threads, in seconds. */
  own: number
  /** The same of its children that have ended and were waited for. */
  ended: number
}

/** Fields of `/proc/<pid>/stat` (proc(5)); undefined once the process is gone. */
function readStat(pid: number): Stat | undefined {
  const text = readProc(pid, 'stat')
  if (text === undefined) return undefined
  // The command's name, in parentheses, may hold anything: fields are counted from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = (index: number) => Number(fields[index]) / TICKS_PER_SECOND
  return { parent: Number(fields[1]), own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) }
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined
  }
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** The process itself and all that descend from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of allPids()) {
    const parent = readStat(pid)?.parent
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Seconds of user and system time of a process, its descendants, and those of them that have ended. */
export function treeCpuSeconds(root: number): number {
  return processTree(root).reduce((sum, pid) => {
    const stat = readStat(pid)
    return sum + (stat ? stat.own + stat.ended : 0)
  }, 0)
}

/** The same of each of its descendants that runs a certain script, by process id; those that have ended are not in it. */
export function scriptCpuSeconds(root: number, script: string): Map<number, number> {
  const seconds = new Map<number, number>()
  for (const pid of processTree(root)) {
    if (!(readProc(pid, 'cmdline') ?? '').split('\0').some((argument) => argument.endsWith(script))) continue
    const stat = readStat(pid)
    if (stat) seconds.set(pid, stat.own + stat.ended)
  }
  return seconds
}

/** Seconds used between two readings by process id. A process that ended in between is not in it. */
export function secondsBetween(before: Map<number, number>, after: Map<number, number>): number {
  return [...after].reduce((sum, [pid, seconds]) => sum + seconds - (before.get(pid) ?? 0), 0)
}

/** Resident memory of a process and its descendants, in MiB. Pages that two of them share count twice. */
export function treeRssMb(root: number): number {
  return processTree(root).reduce((sum, pid) => sum + residentMb(pid), 0)
}

function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status') ?? '')?.[1]
  return Number(kilobytes ?? 0) / 1024
}

/** Seconds of CPU, by process id, of the Postgres backends on this machine that serve a database. */
export function postgresBackends(database: string): Map<number, number> {
  const backends = new Map<number, number>()
  for (const pid of allPids()) {
    // A backend writes its title over its arguments: "postgres: USER DATABASE ADDRESS STATE".
    const title = (readProc(pid, 'cmdline') ?? '').replaceAll('\0', ' ')
    if (!title.startsWith('postgres: ') || !title.split(' ').includes(database)) continue
    const stat = readStat(pid)
    if (stat) backends.set(pid, stat.own)
  }
  return backends
}
