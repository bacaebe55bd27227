import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { StoreKind } from './backing.js'
import { TurnTaker } from './turn-taker.js'

/** A line of the driver's output, which the gateway's own bench repeats; a start has figures of its own. */
export interface AcapyResult {
  scenario: string
  conc?: number
  per_s?: number
  agent_cpu_ms_per_op?: number
  pg_cpu_ms_per_op?: number
  rss_mb?: number
  p50_ms?: number
  /** Of handshakes: how many did not complete. */
  failed?: number
  /** Of `start`. */
  warm_s?: number
  cpu_s?: number
}

/** Where ACA-Py and its driver are. */
export interface Acapy {
  bin: string
  python: string
  driver: string
}

/**
 * Reads `ACAPY_BIN` (the `aca-py` of a virtual environment, whose Python runs the driver too) and `ACAPY_DRIVER` (the
 * folder of `bench.py`).
 *
 * @throws Error that says what is missing
 */
export function findAcapy(environment: NodeJS.ProcessEnv): Acapy {
  const { ACAPY_BIN: bin, ACAPY_DRIVER: driver } = environment
  if (!bin || !driver) throw new Error('ACAPY_BIN and ACAPY_DRIVER are not both set')
  const acapy = { bin, python: join(dirname(bin), 'python'), driver }
  for (const path of [acapy.bin, acapy.python, join(driver, 'bench.py')]) {
    if (!existsSync(path)) throw new Error(`${path} is not there`)
  }
  return acapy
}

/** Runs the driver, which prints a block's figures after it has taken them, and there has it wait for its turn. */
const IN_TURNS = `
import builtins, os, runpy, sys
printed = builtins.print
def print_and_wait(*args, **options):
    printed(*args, **options)
    if " c=" in str(args[0]): sys.stdin.readline()
builtins.print = print_and_wait
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
sys.stdin.readline()
runpy.run_path(sys.argv[0], run_name="__main__")
`

/** Begins all its scenarios, in its scalable mode: a profile for each tenant. `results` are there once it has finished. */
export function startAcapy({ bin, python, driver }: Acapy, store: StoreKind) {
  const folder = mkdtempSync(join(tmpdir(), 'acapy-bench-'))
  const out = join(folder, 'results.json')
  const env = { ...process.env, ACAPY_BIN: bin, LAB_WORKDIR: folder, PYTHONDONTWRITEBYTECODE: '1' }
  const args = ['--store', store, '--manager', 'askar-profile', '--out', out]
  const turns = TurnTaker.start(python, ['-c', IN_TURNS, join(driver, 'bench.py'), ...args], { env, cwd: folder })
  return {
    turns,
    async results(): Promise<AcapyResult[]> {
      try {
        await turns.finish()
        return JSON.parse(readFileSync(out, 'utf8')).results
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}
