// `npm test [-- <part of a path>… --<option of node --test>…]`: the built tests against real services.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureChromium } from './lib/chromium.mjs'
import { Failure, runMain } from './lib/failure.mjs'
import { endHungFiles } from './lib/hung-files.mjs'
import { nativeFolder } from './lib/native.mjs'
import { inRoot, root } from './lib/paths.mjs'
import { filesUnder } from './lib/stamp.mjs'
import { provideServices } from './lib/test-services.mjs'

/** Files at once. Each waits as often as it computes: it takes three to keep two processors at work. */
const CONCURRENCY = 3
/** Of one test, or what is done before or after some. Far above any; one that hangs must not hold a CI machine for hours. */
const TEST_TIMEOUT_MS = 8 * 60_000
const NONE = { passed: 0, failed: 0, skipped: 0 }

await runMain('test', async () => {
  const args = process.argv.slice(2)
  const files = testFiles(args.filter((arg) => !arg.startsWith('--')))
  if (files.some((file) => relative(root, file).includes('explorer'))) await ensureChromium()
  const services = await provideServices()
  const stopped = stopOnSignals()
  try {
    const options = args.filter((arg) => arg.startsWith('--'))
    const { passed, failed, skipped, code } = await runTests(files, options, services.env, stopped.signal)
    if (skipped > 0) console.log(`${skipped} skipped`)
    if (passed + failed === 0) console.log('No test ran.')
    const all = code !== 0 || passed === 0 ? Math.max(failed, 1) : failed
    process.exitCode = all === 0 ? 0 : 1
    await services.stop()
    console.log(`${passed} passed, ${all} failed`)
  } finally {
    await services.stop()
  }
})

/** Built test files whose path has any of the given parts in it; all without a part. */
function testFiles(parts) {
  const all = filesUnder([inRoot('dist', 'test')]).filter((file) => file.endsWith('.test.js'))
  const files = all.filter((file) => parts.length === 0 || parts.some((part) => relative(root, file).includes(part)))
  if (files.length > 0) return files
  throw new Failure(
    all.length === 0 ? 'There is no built test in dist/test.' : `No test file has ${parts.join(' or ')} in its path.`,
    all.length === 0 ? 'node scripts/bootstrap.mjs test' : 'npm test runs all of them',
  )
}

/** Runs the files, some at a time, and counts. `code` is the runner's own exit code. */
async function runTests(files, options, env, signal) {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-test-'))
  const counts = join(folder, 'counts.json')
  // What one file has compiled of the packages, the next need not. Node 20 does not know of it.
  const compiled = files.length > 1 ? { NODE_COMPILE_CACHE: join(folder, 'compiled') } : {}
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    `--test-reporter=${pathToFileURL(inRoot('scripts', 'lib', 'count-reporter.mjs'))}`,
    `--test-reporter-destination=${counts}`,
  ]
  const bounds = [`--test-concurrency=${CONCURRENCY}`, `--test-timeout=${TEST_TIMEOUT_MS}`]
  const maps = pathToFileURL(inRoot('scripts', 'lib', 'source-maps.mjs'))
  const args = [`--import=${maps}`, '--test', ...bounds, ...reporters, ...options, ...files]
  try {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...testEnv(env), ...compiled },
      signal,
    })
    const stopLooking = endHungFiles(child.pid)
    const code = await new Promise((resolve) => child.on('error', () => {}).on('close', (value) => resolve(value ?? 1)))
    stopLooking()
    return { ...NONE, ...readCounts(counts), code }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Nothing is written when the runner is ended before its end. */
function readCounts(file) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return text ? JSON.parse(text) : {}
}

/** Gateways that tests start inherit this: the user's own database, cache and secrets are not for them. */
function testEnv(services) {
  const env = { ...process.env, ...services }
  for (const name of ['LIB_ASKAR_PATH', 'LIB_ANONCREDS_PATH', 'LIB_INDY_VDR_PATH']) env[name] ||= nativeFolder
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'STORE_KEY', 'OPERATOR_API_KEYS', 'JWT_SECRET']) delete env[name]
  return env
}

/** On a signal the runner is ended and the services are stopped before this process ends. */
function stopOnSignals() {
  const stopped = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => stopped.abort())
  return stopped
}
