import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from './failure.mjs'
import { inRoot, root } from './paths.mjs'
import { progress } from './progress.mjs'
import { tail } from './run.mjs'
import { own, runtime } from './runtime.mjs'
import { hashOf, isStamped, writeStamp } from './stamp.mjs'

const sources = inRoot('dist', 'src')
const folder = inRoot('dist', 'bundle')
const program = join(folder, 'tenantry.cjs')
const stamp = join(folder, '.stamp')

const START_WITHIN_MS = 60_000

/** What finds a native library or a file of its own beside its code, or has to be one instance with what does. */
const OUTSIDE = [
  /^node:/,
  /^@openwallet-foundation\/askar-/,
  /^@hyperledger\/anoncreds-/,
  /^@hyperledger\/indy-vdr-/,
  /^(koffi|libsql|pg-native|pino|pino-pretty)$/,
]

/** Of a gateway that nobody else knows of, and that is gone after the build. */
const KEY = randomBytes(24).toString('base64url')

/**
 * Puts the gateway and the thousands of files that it is loaded from into one, with what V8 compiles at its start
 * beside it: two thirds of a start are reading and compiling. `dist/src/bin.js` runs it.
 */
export async function buildBundle() {
  const hash = hashOf(root, [sources, inRoot('package-lock.json'), fileURLToPath(import.meta.url)])
  if (!isStamped(stamp, hash)) {
    rmSync(folder, { recursive: true, force: true })
    await progress('build: bundle', bundle)
    writeStamp(stamp, hash)
  }
  // What is run by hand runs on the machine's own Node.
  for (const node of [runtime(), own]) {
    if (existsSync(cacheOf(node))) continue
    await progress(`build: code cache for Node ${node.version}`, () => compileAhead(node))
  }
}

/** As `src/bundle.ts` looks for it. */
const cacheOf = ({ version }) => `${program}.${version}.cache`

async function bundle() {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: join(sources, 'main.js'),
    platform: 'node',
    external: OUTSIDE,
    plugins: [ownPlaces, amended],
    logLevel: 'silent',
  })
  await build.write({
    file: program,
    format: 'cjs',
    codeSplitting: false,
    // Credo and type-graphql know classes by their names.
    keepNames: true,
    // A script that comes from a code cache cannot import.
    dynamicImportInCjs: false,
    comments: { legal: false, annotation: false, jsdoc: false },
    // V8 keeps the whole text, in twice the memory where any character of it is beyond Latin-1.
    charset: 'ascii',
  })
  await build.close()
}

/** Files that our modules find beside them are where they were. */
const ownPlaces = {
  name: 'own-places',
  transform(code, id) {
    if (!id.startsWith(sources) || !code.includes('import.meta.url')) return
    const place = JSON.stringify(relative(folder, id))
    const url = `require('node:url').pathToFileURL(require('node:path').join(__dirname, ${place})).href`
    return code.replaceAll('import.meta.url', url)
  },
}

const ALL = /^.*$/s
const HASHED_AT_ONCE = `import { hash } from 'node:crypto';
const createHash = (kind) => ({ update: (text) => ({ digest: (encoding) => hash(kind, text, encoding) }) });`

/** What packages would do otherwise, or for nothing, because they are in one file. */
const AMENDED = [
  // A module of a bundle has no `module.require`: each request's text would be hashed by JavaScript.
  ['@apollo/utils.createhash/dist/index.js', /\bmodule\.require\b/g, 'require'],
  // For each of them it would look for the module anew.
  [
    '@apollo/server/dist/esm/requestPipeline.js',
    /import { createHash } from '@apollo\/utils\.createhash';/,
    HASHED_AT_ONCE,
  ],
  // To look at what belongs to Node's own `fetch` has all of that loaded; the gateway's requests go by a package.
  ['undici/lib/web/cookies/index.js', /, globalThis\.Headers\]/, ']'],
  // Fetches JSON-LD contexts, which the gateway never does (`agent/json-ld.ts`), by an undici of its own.
  ['@digitalcredentials/http-client/dist/index.js', ALL, ''],
  // Three megabytes for mdocs, which no presentation here has.
  ['@sphereon/ssi-types/dist/types/mso_mdoc.js', ALL, ''],
]

const amended = {
  name: 'amended',
  transform(code, id) {
    const found = AMENDED.find(([file]) => id.endsWith(`/node_modules/${file}`))
    if (!found) return
    const [file, what, instead] = found
    if (code.search(what) < 0) throw new Failure(`${file} is another than the one that is amended here.`)
    return code.replace(what, instead)
  },
}

/** Starts a gateway once and uses it, so that V8 compiles what a start and the first requests need, and has it end. */
async function compileAhead(node) {
  const data = mkdtempSync(join(tmpdir(), 'tenantry-build-'))
  try {
    const { PATH, HOME, TMPDIR, LIB_ASKAR_PATH, LIB_ANONCREDS_PATH } = process.env
    const inherited = { PATH, HOME, TMPDIR, LIB_ASKAR_PATH, LIB_ANONCREDS_PATH }
    const env = {
      ...inherited,
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: data,
      LOG_LEVEL: 'error',
      OPERATOR_API_KEYS: KEY,
    }
    const script = inRoot('scripts', 'lib', 'compile-ahead.mjs')
    const child = spawn(node.path, [script, program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const late = setTimeout(() => child.kill('SIGKILL'), START_WITHIN_MS)
    let output = ''
    let isUsed = false
    const read = (chunk) => {
      output += chunk
      const url = /^URL: (\S+)$/m.exec(output)?.[1]
      if (!url || isUsed) return
      isUsed = true
      void use(url).finally(() => child.kill('SIGTERM'))
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    await once(child, 'close')
    clearTimeout(late)
    if (!existsSync(cacheOf(node))) throw new Failure(`The gateway does not start:\n${tail(output)}`)
    const { status } = spawnSync(node.path, [script, program, '--check'], { env })
    if (status !== 0) throw new Failure(`Node ${node.version} does not take the code cache that it has made.`)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

/** Two tenants meet and talk. What is not reached is compiled when it is needed. */
async function use(url) {
  const { twoTenants } = await import(inRoot('dist', 'examples', 'two-tenants.js'))
  await twoTenants(url, KEY, () => {}).catch(() => {})
}
