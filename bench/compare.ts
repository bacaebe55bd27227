import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Acapy, type AcapyResult, findAcapy, runAcapy } from './acapy.js'
import type { StoreKind } from './backing.js'
import type { Failure, Result } from './meter.js'
import { allScenarios } from './scenarios/index.js'
import { medians, ownTable, sideBySide } from './table.js'

// node dist/bench/compare.js [--store sqlite|postgres]… [--runs N]
//
// Runs ACA-Py's driver and our own in turn, N times, and writes the medians side by side into bench/README.md.

const MAIN = fileURLToPath(new URL('main.js', import.meta.url))
const README = fileURLToPath(new URL('../../bench/README.md', import.meta.url))
const MARKERS = /(<!-- results begin -->\n)[\s\S]*(<!-- results end -->)/

function runOurs(store: StoreKind): Result[] {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-compare-'))
  const out = join(folder, 'results.json')
  const only = allScenarios()
    .filter(({ name }) => name !== 'soak')
    .flatMap(({ name }) => ['--only', name])
  try {
    const { status } = spawnSync(process.execPath, [MAIN, '--out', out, '--store', store, ...only], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
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

function compare(stores: StoreKind[], runs: number): string {
  const acapy = acapyIfThere()
  const [cpu] = cpus()
  const about = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpu?.model.trim()}, Node ${process.versions.node}`
  const times = runs === 1 ? 'one run of each' : `medians of ${runs} runs of each, in turn`
  const parts: string[] = []
  const loads: number[] = []
  for (const store of stores) {
    const [ours, theirs]: [Result[][], AcapyResult[][]] = [[], []]
    for (let run = 0; run < runs; run++) {
      if (acapy) theirs.push(runAcapy(acapy, store))
      ours.push(runOurs(store))
      loads.push(loadavg()[0] ?? 0)
    }
    const own = medians(ours)
    parts.push(`### ${store === 'postgres' ? 'Postgres and Redis' : 'SQLite'}`)
    if (acapy) parts.push(sideBySide(own, medians(theirs)))
    parts.push(ownTable(own))
  }
  // The driver and what it measures make up for about two.
  const load = `The machine's load was ${loads.map((value) => value.toFixed(1)).join(', ')} after each of ours.`
  return [`Measured ${about}: ${times}. ${load}`, ...parts].join('\n\n')
}

const { values } = parseArgs({
  options: {
    store: { type: 'string', multiple: true, default: ['postgres', 'sqlite'] },
    runs: { type: 'string', default: '1' },
  },
})
const stores = values.store.filter((store): store is StoreKind => store === 'postgres' || store === 'sqlite')
const report = compare(stores, Number(values.runs))
console.log(report)
const readme = readFileSync(README, 'utf8')
writeFileSync(
  README,
  readme.replace(MARKERS, (_, begin, end) => `${begin}\n${report}\n\n${end}`),
)
