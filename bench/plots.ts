import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { StoreKind } from './backing.js'
import type { Result } from './meter.js'
import { type Measurements, RESULTS_FILE, type StoreResults } from './results.js'
import { barChart, lineChart } from './svg.js'

// npm run bench:plots
//
// Draws what the last comparison measured (bench/results.json) into docs/plots.

const FOLDER = fileURLToPath(new URL('../../docs/plots/', import.meta.url))
const NAMES: Record<StoreKind, string> = { postgres: 'Postgres and Redis', sqlite: 'SQLite' }

/** Writes every plot for which there are figures. */
export function writePlots({ stores }: Measurements): void {
  mkdirSync(FOLDER, { recursive: true })
  for (const [store, results] of Object.entries(stores) as [StoreKind, StoreResults][]) {
    for (const [name, svg] of Object.entries(plotsOf(store, results)))
      writeFileSync(`${FOLDER}${store}-${name}.svg`, svg)
  }
}

function plotsOf(store: StoreKind, { ours, workers, acapy }: StoreResults): Record<string, string> {
  const compared = ours.flatMap((own) => {
    const other = acapy.find(({ scenario, conc }) => scenario === own.scenario && conc === own.conc)
    return other?.agent_cpu_ms_per_op === undefined ? [] : [{ own, other }]
  })
  const labelOf = ({ scenario, conc }: Result) =>
    `${scenario.replace(/,? to webhook| \(100 wallets\)| two tenants.*/, '')} · ${conc}`
  const plots: Record<string, string> = {}
  if (compared.length > 0) {
    plots['cpu'] = barChart({
      title: `CPU of the agent for an operation · number at once, ${NAMES[store]}`,
      unit: 'ms, less is better',
      series: ['Tenantry', 'ACA-Py'],
      // A handshake is ten times all others, and has a plot of its own.
      rows: compared
        .filter(({ own }) => !own.scenario.startsWith('handshake'))
        .map(({ own, other }) => ({
          label: labelOf(own),
          values: [own.agent_cpu_ms_per_op, other.agent_cpu_ms_per_op],
        })),
    })
    plots['handshake'] = barChart({
      title: `CPU of the agent for a handshake · number at once, ${NAMES[store]}`,
      unit: 'ms, less is better',
      series: ['Tenantry', 'ACA-Py'],
      rows: compared
        .filter(({ own }) => own.scenario.startsWith('handshake'))
        .map(({ own, other }) => ({
          label: labelOf(own),
          values: [own.agent_cpu_ms_per_op, other.agent_cpu_ms_per_op],
        })),
    })
    plots['rate'] = barChart({
      title: `Operations a second · number at once, ${NAMES[store]}`,
      unit: 'more is better',
      series: ['Tenantry, two workers', 'Tenantry', 'ACA-Py'],
      rows: compared.map(({ own, other }) => ({
        label: labelOf(own),
        values: [
          workers.find(({ scenario, conc }) => scenario === own.scenario && conc === own.conc)?.per_s,
          own.per_s,
          other.per_s,
        ],
      })),
    })
  }
  return { ...plots, ...plotsByTenants(store, ours) }
}

/** What the number of tenants changes. */
function plotsByTenants(store: StoreKind, ours: Result[]): Record<string, string> {
  const of = (kind: string) => ours.filter(({ scenario }) => scenario.startsWith(kind))
  const reads = of('read of one of')
  if (reads.length === 0) return {}
  const x = reads.map((result) => Number(result['tenants']))
  const xLabel = 'tenants'
  const latency = lineChart({
    title: `Time of an operation of a tenant chosen at random, ${NAMES[store]}`,
    unit: 'ms, median',
    xLabel,
    x,
    series: [
      { name: 'a page of connections', values: reads.map(({ p50_ms }) => p50_ms ?? undefined) },
      { name: 'a new token', values: of('token of one of').map(({ p50_ms }) => p50_ms ?? undefined) },
    ],
  })
  const memory = lineChart({
    title: `Resident memory of the gateway, ${NAMES[store]}`,
    unit: 'MB',
    xLabel,
    x,
    series: [{ name: 'after 2,000 reads of tenants chosen at random', values: reads.map(({ rss_mb }) => rss_mb) }],
  })
  return { 'latency-by-tenants': latency, 'memory-by-tenants': memory }
}

if (argv[1] === fileURLToPath(import.meta.url)) writePlots(JSON.parse(readFileSync(RESULTS_FILE, 'utf8')))
