// `npm run codegen`: the SDL out of the code, and typed documents out of SDL and operations.
// `npm run codegen -- --check` writes nothing and fails where what is committed differs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { executeCodegen, loadCodegenConfig } from '@graphql-codegen/cli'
import { withBootstrapLock } from './lib/bootstrap-lock.mjs'
import { buildSources } from './lib/build.mjs'
import { Failure, runMain } from './lib/failure.mjs'
import { inRoot, root } from './lib/paths.mjs'
import { run, runNode } from './lib/run.mjs'

await runMain('codegen', async () => {
  // The types of tests and examples may wait for what is generated here, so their errors do not stop it.
  await withBootstrapLock(() => buildSources({ tolerant: true }))
  const sdl = await printSchema()
  const files = [{ path: inRoot('schema', 'schema.graphql'), content: sdl }, ...(await generateDocuments(sdl))]
  const stale = files.filter(({ path, content }) => !existsSync(path) || readFileSync(path, 'utf8') !== content)
  if (!process.argv.includes('--check')) return write(stale)
  if (stale.length === 0)
    return console.log(`  ${files.map(({ path }) => relative(root, path)).join(', ')}: as the code`)
  for (const file of stale) console.error(await difference(file))
  const names = stale.map(({ path }) => relative(root, path)).join(' and ')
  throw new Failure(`${names} differ from what the code gives.`, 'npm run codegen, look at the change, and commit it')
})

async function printSchema() {
  const { ok, stdout, output } = await runNode(inRoot('dist', 'src', 'main.js'), ['schema'])
  if (!ok || !stdout.trim()) throw new Failure(`\`tenantry schema\` gave no schema:\n${output}`)
  return `${stdout.trimEnd()}\n`
}

/** By codegen.yml, but from the schema that the code has now, not from the committed one. */
async function generateDocuments(sdl) {
  const { config } = await loadCodegenConfig({ configFilePath: inRoot('codegen.yml') })
  const { result, error } = await executeCodegen({ ...config, schema: sdl, cwd: root, silent: true })
  if (error) throw new Failure(`The typed documents cannot be generated:\n${messagesOf(error).join('\n')}`)
  return result.map(({ filename, content }) => ({ path: inRoot(filename), content }))
}

const messagesOf = (error) => [error.message, ...(error.errors ?? []).flatMap(messagesOf)]

function write(files) {
  for (const { path, content } of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    console.log(`  wrote ${relative(root, path)}`)
  }
  if (files.length === 0) console.log('  nothing changed')
}

/** As git shows it, committed against generated; git need not know either file. */
async function difference({ path, content }) {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-codegen-'))
  const generated = join(folder, 'generated')
  writeFileSync(generated, content)
  const committed = existsSync(path) ? path : '/dev/null'
  const { output } = await run('git', ['--no-pager', 'diff', '--no-index', '--no-color', '--', committed, generated])
  rmSync(folder, { recursive: true, force: true })
  return output
}
