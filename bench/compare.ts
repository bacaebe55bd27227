import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Acapy, type AcapyResult, findAcapy, startAcapy } from './acapy.js'
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
import { TurnTaker } from './turn-taker.js'

// node dist/bench/compare.js [--store sqlite|postgres]… [--runs N]
//
// Runs ACA-Py's driver and our own N times, and writes the medians side by side into bench/README.md and bench/results.json,
// and the plots of them. The pace of a machine changes within minutes, so what both have is measured in turns, block by block,
// while all are there: by a gateway of ours, by ACA-Py, by another gateway of ours. The mean of the two meets what ACA-Py met.
// On Postgres ours is run once more with two workers.

const MAIN = fileURLToPath(new URL('main.js', import.meta.url))
const README = fileURLToPath(new URL('../../bench/README.md', import.meta.url))
const MARKERS = /(<!-- results begin -->\n)[\s\S]*(<!-- results end -->)/

const WORKERS = 2
/** Those that ACA-Py's driver has as well, but for the start. */
const BOTH = [createWallet, getToken, readConnections, handshake, message, inboundOneTenant, inboundSixteenTenants]

/** Begins scenarios of ours. `results` are there once all are finished. */
function startOurs(store: StoreKind, scenarios: Scenario[], workers = 1) {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-compare-'))
  const out = join(folder, 'results.json')
  const only = scenarios.flatMap(({ name }) => ['--only', name])
  const args = [MAIN, '--turns', '--out', out, '--store', store, '--workers', `${workers}`, ...only]
  const turns = TurnTaker.start(process.execPath, args)
  return {
    turns,
    async results(): Promise<Result[]> {
      try {
        const code = await turns.finish()
        const { results }: { results: (Result | Failure)[] } = JSON.parse(readFileSync(out, 'utf8'))
        if (code !== 0) console.error(`Some scenarios failed on ${store}: their rows are missing from the table`)
        return results.filter((result): result is Result => !('error' in result))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/** Ours twice, and ACA-Py in between where it is there, in turns; then what only ours has. */
async function measureSideBySide(store: StoreKind, acapy: Acapy | undefined) {
  const last = startOurs(store, allScenarios().filter(isShort))
  if (!acapy) return { ours: [await last.results()], theirs: [] }
  const [first, theirs] = [startOurs(store, BOTH), startAcapy(acapy, store)]
  const names = new Set(BOTH.map(({ name }) => name))
  while (await first.turns.measure(names)) {
    await theirs.turns.measure(names)
    await last.turns.measure(names)
  }
  const before = [await first.results()]
  return { theirs: [await theirs.results()], ours: [...before, await last.results()] }
}

function acapyIfThere(): Acapy | undefined {
  try {
    return findAcapy(process.env)
  } catch (error) {
    console.error(`WITHOUT ACA-Py: ${(error as Error).message}. Only our own figures are taken; see bench/README.md.`)
    return undefined
  }
}

async function measure(stores: StoreKind[], runs: number): Promise<Measurements> {
  const acapy = acapyIfThere()
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model.trim()}, Node ${process.versions.node}`
  const results: Measurements = { date: new Date().toISOString().slice(0, 10), machine, runs, loads: [], stores: {} }
  for (const store of stores) {
    const [ours, theirs, workers]: [Result[][], AcapyResult[][], Result[][]] = [[], [], []]
    for (let run = 0; run < runs; run++) {
      const measured = await measureSideBySide(store, acapy)
      ours.push(...measured.ours)
      theirs.push(...measured.theirs)
      if (store === 'postgres') workers.push(await startOurs(store, BOTH, WORKERS).results())
      results.loads.push(loadavg()[0] ?? 0)
    }
    results.stores[store] = { ours: medians(ours), acapy: medians(theirs), workers: medians(workers) }
  }
  return results
}

/** A soak takes the better part of an hour. */
const isShort = ({ name }: Scenario) => name !== 'soak'

function report({ date, machine, runs, loads, stores }: Measurements): string {
  const times =
    runs === 1 ? 'one run of ACA-Py, each block of it between two of ours (means)' : `medians of ${runs} such turns`
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
const results = await measure(stores, Number(values.runs))
writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 1)}\n`)
const text = report(results)
console.log(text)
const readme = readFileSync(README, 'utf8')
writeFileSync(
  README,
  readme.replace(MARKERS, (_, begin, end) => `${begin}\n${text}\n\n${end}`),
)
writePlots(results)
