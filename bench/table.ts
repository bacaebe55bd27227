import type { AcapyResult } from './acapy.js'
import { type Result, round } from './meter.js'

/** One result for the eye, while a run goes on. */
export function resultLine(result: Result): string {
  const { scenario, conc, n, per_s, p50_ms, p99_ms, rss_mb } = result
  const cpu = [result.agent_cpu_ms_per_op, result.pg_cpu_ms_per_op, result.redis_cpu_ms_per_op].join(' / ')
  return (
    `  ${scenario.padEnd(42)} c=${`${conc}`.padEnd(3)} n=${`${n}`.padEnd(6)} ${`${per_s}`.padStart(8)}/s  ` +
    `p50=${p50_ms} p99=${p99_ms} ms  cpu=${cpu} ms/op  rss=${rss_mb}` +
    (result.anoncreds_cpu_ms_per_op === undefined ? '' : `  anoncreds=${result.anoncreds_cpu_ms_per_op} ms/op`) +
    (result.block_max_ms === undefined ? '' : `  block<=${result.block_max_ms} ms`) +
    (result['p99_ratio'] ? `  p99 x${result['p99_ratio']}  hot=${result['hot_per_s']}/s` : '') +
    (result['failed'] ? `  ${result['failed']} FAILED` : '')
  )
}

interface Keyed {
  scenario: string
  conc?: number
}

const keyOf = ({ scenario, conc = 1 }: Keyed) => `${scenario} at ${conc}`

/** Of several runs, one result for each scenario and concurrency: the first, with the median of every number. */
export function medians<R extends Keyed>(runs: R[][]): R[] {
  const groups = new Map<string, [R, ...R[]]>()
  for (const result of runs.flat()) {
    const group = groups.get(keyOf(result))
    if (group) group.push(result)
    else groups.set(keyOf(result), [result])
  }
  return [...groups.values()].map((group) => {
    const [first] = group
    const fields = Object.entries(first).map(([field, value]) => {
      if (typeof value !== 'number') return [field, value]
      return [field, median(group.map((result) => Number(result[field as keyof R])))]
    })
    return Object.fromEntries(fields)
  })
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = 0, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return round((low + high) / 2, 3)
}

/** What both sides measured. A ratio above 1 is how many times less CPU ours takes. */
export function sideBySide(ours: Result[], theirs: AcapyResult[]): string {
  const rows = ours.flatMap((own) => {
    const other = theirs.find((result) => keyOf(result) === keyOf(own))
    if (!other) return []
    const otherCpu = other.agent_cpu_ms_per_op ?? 1000 * (other.cpu_s ?? Number.NaN)
    const otherPg = other.pg_cpu_ms_per_op ?? 0
    const ownBehind = (own.pg_cpu_ms_per_op ?? 0) + (own.redis_cpu_ms_per_op ?? 0)
    const total = (otherCpu + otherPg) / (own.agent_cpu_ms_per_op + ownBehind)
    return [
      [
        own.scenario + (other.failed ? ` (ACA-Py: ${other.failed} failed)` : ''),
        own.conc,
        own.per_s,
        other.per_s ?? round(1 / (other.warm_s ?? Number.NaN), 2),
        round(own.agent_cpu_ms_per_op, 2),
        round(otherCpu, 2),
        `**${(otherCpu / own.agent_cpu_ms_per_op).toFixed(1)}**`,
        round(ownBehind, 2),
        round(otherPg, 2),
        total.toFixed(1),
        own.rss_mb,
        other.rss_mb,
      ],
    ]
  })
  const head = [
    'operation',
    'at once',
    'per s, ours',
    'ACA-Py',
    'CPU ms, ours',
    'ACA-Py',
    'ratio',
    'store CPU ms, ours',
    'ACA-Py',
    'ratio with store',
    'RSS MB, ours',
    'ACA-Py',
  ]
  return markdown(head, rows)
}

/** How many operations a second more processes do, beside one of ours and ACA-Py's. */
export function workersTable(workers: Result[], ours: Result[], theirs: AcapyResult[]): string {
  const rows = workers.map((result) => {
    const one = ours.find((own) => keyOf(own) === keyOf(result))?.per_s
    const other = theirs.find((acapy) => keyOf(acapy) === keyOf(result))?.per_s
    const ratio = other === undefined ? '' : `**${(result.per_s / other).toFixed(1)}**`
    return [result.scenario, result.conc, result.per_s, one, other, ratio, result.rss_mb]
  })
  return markdown(['operation', 'at once', 'two workers', 'one', 'ACA-Py', 'ratio', 'RSS MB of all'], rows)
}

/** Columns that are there where a result has them. */
const EXTRA = [
  ['AnonCreds ms', 'anoncreds_cpu_ms_per_op'],
  ['block, p99 ms', 'block_p99_ms'],
  ['longest', 'block_max_ms'],
] as const

/** Our own figures, in full. */
export function ownTable(ours: Result[]): string {
  const head = ['operation', 'at once', 'n', 'per s', 'p50 ms', 'p99 ms', 'CPU ms', 'Postgres ms', 'Redis ms', 'RSS MB']
  const extra = EXTRA.filter(([, field]) => ours.some((result) => field in result))
  const rows = ours.map((result) => [
    result.scenario,
    result.conc,
    result.n,
    result.per_s,
    result.p50_ms,
    result.p99_ms,
    result.agent_cpu_ms_per_op,
    result.pg_cpu_ms_per_op,
    result.redis_cpu_ms_per_op,
    result.rss_mb + ('rss_kb_per_subscription' in result ? ` (${result['rss_kb_per_subscription']} KB each)` : ''),
    ...extra.map(([, field]) => result[field]),
  ])
  return markdown([...head, ...extra.map(([name]) => name)], rows)
}

/** Columns are padded, as the formatter has tables. */
function markdown(head: string[], rows: unknown[][]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell ?? '')))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? '').length)))
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [first = [], ...others] = cells.map(line)
  return [first, line(widths.map((width) => '-'.repeat(width))), ...others].join('\n')
}
