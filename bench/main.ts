import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { openBacking, type StoreKind } from './backing.js'
import { Lab } from './lab.js'
import type { Failure, Result } from './meter.js'
import { allScenarios, DEFAULT_SOAK } from './scenarios/index.js'
import type { Scenario } from './scenarios/scenario.js'
import { resultLine } from './table.js'

// npm run bench -- --out FILE [--store sqlite|postgres] [--only SCENARIO]… [--soak N] [--workers N] [--turns]

interface Options {
  out: string
  store: StoreKind
  scenarios: Scenario[]
  workers: number
  /** Whether each block waits for a line on standard input: see `TurnTaker`. */
  turns: boolean
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      store: { type: 'string', default: 'sqlite' },
      only: { type: 'string', multiple: true },
      soak: { type: 'string', default: `${DEFAULT_SOAK}` },
      workers: { type: 'string', default: '1' },
      turns: { type: 'boolean', default: false },
    },
  })
  const { out, store, only } = values
  if (!out) throw new Error('--out FILE is missing')
  if (store !== 'sqlite' && store !== 'postgres') throw new Error('--store is sqlite or postgres')
  const soak = Number(values.soak)
  if (!Number.isInteger(soak) || soak < 1) throw new Error('--soak is a number of messages')
  const workers = Number(values.workers)
  if (!Number.isInteger(workers) || workers < 1) throw new Error('--workers is a number of processes')
  if (workers > 1 && store !== 'postgres') throw new Error('--workers takes --store postgres')
  const scenarios = allScenarios(soak)
  const names = scenarios.map(({ name }) => name)
  const unknown = only?.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${names.join(' | ')}`)
  const chosen = only ? scenarios.filter(({ name }) => only.includes(name)) : scenarios
  return { out, store, workers, turns: values.turns, scenarios: chosen }
}

async function run({ store, scenarios, workers, turns }: Options): Promise<(Result | Failure)[]> {
  const turn = turns ? turnsOnInput() : async () => {}
  await turn()
  const backing = await openBacking(store)
  const lab = new Lab(backing, { WORKERS: `${workers}` })
  const dispose = async () => {
    await lab.dispose()
    await backing.dispose()
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => dispose().finally(() => process.exit(130)))
  try {
    await lab.start()
    const results: (Result | Failure)[] = []
    for (const scenario of scenarios) results.push(...(await runScenario(lab, scenario, turn)))
    return results
  } finally {
    await dispose()
    // An input that is open would keep this process.
    process.stdin.destroy()
  }
}

/** One that fails does not keep the others from running. */
async function runScenario(
  lab: Lab,
  { name, run }: Scenario,
  turn: () => Promise<void>,
): Promise<(Result | Failure)[]> {
  const results: (Result | Failure)[] = []
  try {
    for await (const result of run(lab)) {
      results.push(result)
      console.error(resultLine(result))
      await turn()
    }
  } catch (error) {
    results.push({ scenario: name, error: String(error) })
    console.error(`  ${name}: ${error}\n${lab.gateway.logTail()}`)
  }
  return results
}

/** Each call waits for the next line on standard input, or its end. */
function turnsOnInput(): () => Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  return async () => void (await lines.next())
}

let options: Options
try {
  options = readOptions()
} catch (error) {
  console.error((error as Error).message)
  process.exit(2)
}
const begin = performance.now()
const results = await run(options)
const seconds = Math.round((performance.now() - begin) / 1000)
const output = {
  store: options.store,
  workers: options.workers,
  cores: cpus().length,
  node: process.version,
  seconds,
  results,
}
writeFileSync(options.out, `${JSON.stringify(output, null, 1)}\n`)
if (results.some((result) => 'error' in result)) process.exitCode = 1
