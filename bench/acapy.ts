import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { StoreKind } from './backing.js'

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

/** Runs all its scenarios, in its scalable mode: a profile for each tenant. */
export function runAcapy({ bin, python, driver }: Acapy, store: StoreKind): AcapyResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'acapy-bench-'))
  const out = join(folder, 'results.json')
  const env = { ...process.env, ACAPY_BIN: bin, LAB_WORKDIR: folder, PYTHONDONTWRITEBYTECODE: '1' }
  const args = [join(driver, 'bench.py'), '--store', store, '--manager', 'askar-profile', '--out', out]
  try {
    execFileSync(python, args, { env, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    return JSON.parse(readFileSync(out, 'utf8')).results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
