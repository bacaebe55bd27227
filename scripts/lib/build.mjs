import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Failure } from './failure.mjs'
import { inRoot, root } from './paths.mjs'
import { progress } from './progress.mjs'
import { runNode } from './run.mjs'
import { filesUnder, hashOf, isStamped, writeStamp } from './stamp.mjs'

const SOURCES = ['src', 'test', 'bench', 'examples', 'interop', 'tsconfig.json', 'package.json', 'package-lock.json']
const dist = inRoot('dist')
const stamp = join(dist, '.stamp')
/** What the explorer's build leaves there has a stamp of its own. */
const KEPT = ['explorer', '.explorer-stamp']

/**
 * Compiles the sources into a clean `dist`, unless what is there comes from exactly these sources.
 * @param {{ tolerant?: boolean }} [options] `tolerant`: emit in spite of type errors, as code generation must, whose
 *   product the types may be waiting for; the next build does it over
 * @throws {Failure} with the compiler's messages; `dist` then holds nothing that could run
 */
export async function buildSources({ tolerant = false } = {}) {
  const hash = hashOf(
    root,
    SOURCES.map((path) => inRoot(path)),
  )
  if (isStamped(stamp, hash)) return
  await progress('build: tsc', async () => {
    clean()
    const args = ['-p', inRoot('tsconfig.json'), '--noEmitOnError', String(!tolerant)]
    const result = await runNode(inRoot('node_modules', 'typescript', 'bin', 'tsc'), args)
    if (!result.ok && !tolerant) throw new Failure(`The sources do not compile:\n${result.output}`)
    copyAssets('src')
    copyAssets('test')
    if (result.ok) writeStamp(stamp, hash)
  })
}

/** Everything the compiler did not write in this build goes, or tests of removed sources would still run. */
function clean() {
  if (!existsSync(dist)) return
  for (const name of readdirSync(dist)) {
    if (!KEPT.includes(name)) rmSync(join(dist, name), { recursive: true, force: true })
  }
}

/** What is read at run time beside the code (Lua, HTML, styles, fixtures) goes to the same place beside the build. */
function copyAssets(folder) {
  for (const file of filesUnder([inRoot(folder)])) {
    if (/\.tsx?$/.test(file)) continue
    const target = join(dist, relative(root, file))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(file, target)
  }
}

/** Builds the explorer's page into `dist/explorer`, unless it comes from exactly these inputs. */
export async function buildExplorer() {
  const config = inRoot('explorer', 'vite.config.mjs')
  if (!existsSync(config)) return
  const explorerStamp = join(dist, '.explorer-stamp')
  const hash = hashOf(root, [inRoot('explorer'), inRoot('package-lock.json')])
  if (isStamped(explorerStamp, hash) && existsSync(join(dist, 'explorer'))) return
  await progress('build: explorer', async () => {
    rmSync(explorerStamp, { force: true })
    const vite = inRoot('node_modules', 'vite', 'bin', 'vite.js')
    const result = await runNode(vite, ['build', '--config', config])
    if (!result.ok) throw new Failure(`The explorer does not build:\n${result.output}`)
    writeStamp(explorerStamp, hash)
  })
}
