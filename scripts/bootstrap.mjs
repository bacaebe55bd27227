// What must be there before `npm start` and `npm test` can run, and nothing twice. Plain Node: it runs in a fresh
// clone, before any package is installed.

import { withBootstrapLock } from './lib/bootstrap-lock.mjs'
import { buildExplorer, buildSources } from './lib/build.mjs'
import { buildBundle } from './lib/bundle.mjs'
import { Failure, runMain } from './lib/failure.mjs'
import { ensureFallbackBinding } from './lib/fallback-binding.mjs'
import { ensureNativeLibraries } from './lib/native.mjs'
import { checkNode } from './lib/node-version.mjs'
import { ensurePackages } from './lib/packages.mjs'
import { hasWorked } from './lib/progress.mjs'

await runMain('bootstrap', async () => {
  const goal = process.argv[2]
  if (goal !== 'start' && goal !== 'test') throw new Failure('usage: node scripts/bootstrap.mjs <start|test>')
  checkNode(process.versions.node)
  await withBootstrapLock(async () => {
    await ensurePackages()
    await ensureNativeLibraries({ indy: goal === 'test' || Boolean(process.env.INDY_NETWORKS) })
    if (goal === 'test') await ensureFallbackBinding()
    await buildSources()
    await buildExplorer()
    await buildBundle()
  })
  const total = (performance.now() / 1000).toFixed(1)
  console.log(
    hasWorked() ? `  ready after ${total} s` : `  packages, native libraries and build are there (${total} s)`,
  )
})
