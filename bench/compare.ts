import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Acapy, type AcapyResult, findAcapy, runAcapy } from './acapy.js'
import type { StoreKind } from './backing.js'
import type { Failure, Result } from './meter.js'
import { writePlots } from './plots.js'
import { type Measurements, RESULTS_FILE, type StoreResults } from './results.js'
import { handshake } from './scenarios/handshake.js'
import { inboundOneTenant, inboundSixteenTenants } from './scenarios/inbound.js'
import { allScenarios } from './scenarios/index.js'
import { message } from './scenarios/message.js'
import type { Scenario } from './scenarios/scenario.js'
import { createWallet, getToken, readConnections } from './scenarios/tenants.js'
import { medians, ownTable, sideBySide, workersTable } from './table.js'

// node dist/bench/compare.js [--store sqlite|postgres]… [--runs N]
//
// Runs ACA-Py's driver and our own in turn, N times, and writes the medians side by side into bench/README.md and
// bench/results.json, and the plots of them. What both have is run by ours before and after ACA-Py's: the pace of a machine
// changes within minutes, and the mean of the two meets what ACA-Py met. On Postgres ours is run once more with two workers.

const MAIN = fileURLToPath(new URL('main.js', import.meta.url))
const README = fileURLToPath(new URL('../../bench/README.md', import.meta.url))
const MARKERS = /(<!-- results begin -->\n)[\s\S]*(<!-- results end -->)/

const WORKERS = 2
/** Those that ACA-Py's driver has as well, but for the start. */
const BOTH = [createWallet, getToken, readConnections, handshake, message, inboundOneTenant, inboundSixteenTenants]

function runOurs(store: StoreKind, scenarios: Scenario[], workers = 1): Result[] {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-compare-'))
  const out = join(folder, 'results.json')
  const only = scenarios.flatMap(({ name }) => ['--only', name])
  const args = [MAIN, '--out', out, '--store', store, '--workers', `${workers}`, ...only]
  try {
    const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const { results }: { results: (Result | Failure)[] } = JSON.parse(readFileSync(out, 'utf8'))
    if (status !== 0) console.error(`Some scenarios failed on ${store}: their rows are missing from the table`)
    return results.filter((result): result is Result => !('error' in result))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function acapyIfThere(): Acapy | undefined {
  try {
    return findAcapy(process.env)
  } catch (error) {
    console.error(`WITHOUT ACA-Py: ${(error as Error).message}. Only our own figures are taken; see bench/README.md.`)
    return undefined
  }
}

function measure(stores: StoreKind[], runs: number): Measurements {
  const acapy = acapyIfThere()
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model.trim()}, Node ${process.versions.node}`
  const results: Measurements = { date: new Date().toISOString().slice(0, 10), machine, runs, loads: [], stores: {} }
  for (const store of stores) {
    const [ours, theirs, workers]: [Result[][], AcapyResult[][], Result[][]] = [[], [], []]
    for (let run = 0; run < runs; run++) {
      if (acapy) {
        ours.push(runOurs(store, BOTH))
        theirs.push(runAcapy(acapy, store))
      }
      ours.push(runOurs(store, allScenarios().filter(isShort)))
      if (store === 'postgres') workers.push(runOurs(store, BOTH, WORKERS))
      results.loads.push(loadavg()[0] ?? 0)
    }
    results.stores[store] = { ours: medians(ours), acapy: medians(theirs), workers: medians(workers) }
  }
  return results
}

/** A soak takes the better part of an hour. */
const isShort = ({ name }: Scenario) => name !== 'soak'

function report({ date, machine, runs, loads, stores }: Measurements): string {
  const times = runs === 1 ? 'one run of ACA-Py, ours before and after it (means)' : `medians of ${runs} such turns`
  // The driver and what it measures make up for about two.
  const load = `The machine's load was ${loads.map((value) => value.toFixed(1)).join(', ')} after each of ours.`
  const parts = Object.entries(stores).flatMap(([store, results]) => partsOf(store as StoreKind, results))
  return [`Measured ${date}, ${machine}: ${times}. ${load}`, ...parts].join('\n\n')
}

function partsOf(store: StoreKind, { ours, acapy, workers }: StoreResults): string[] {
  return [
    `### ${store === 'postgres' ? 'Postgres and Redis' : 'SQLite'}`,
    ...(acapy.length > 0 ? [sideBySide(ours, acapy)] : []),
    ...(workers.length > 0
      ? ['How many a second with two workers (`--workers 2`):', workersTable(workers, ours, acapy)]
      : []),
    ownTable(ours),
  ]
}

const { values } = parseArgs({
  options: {
    store: { type: 'string', multiple: true, default: ['postgres', 'sqlite'] },
    runs: { type: 'string', default: '1' },
  },
})
const stores = values.store.filter((store): store is StoreKind => store === 'postgres' || store === 'sqlite')
const results = measure(stores, Number(values.runs))
writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 1)}\n`)
const text = report(results)
console.log(text)
const readme = readFileSync(README, 'utf8')
writeFileSync(
  README,
  readme.replace(MARKERS, (_, begin, end) => `${begin}\n${text}\n\n${end}`),
)
writePlots(results)
