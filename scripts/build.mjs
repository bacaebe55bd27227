// `npm run build`: the compiled sources and the explorer, each only when its inputs changed.

import { existsSync } from 'node:fs'
import { withBootstrapLock } from './lib/bootstrap-lock.mjs'
import { buildExplorer, buildSources } from './lib/build.mjs'
import { buildBundle } from './lib/bundle.mjs'
import { Failure, runMain } from './lib/failure.mjs'
import { inRoot } from './lib/paths.mjs'
import { hasWorked } from './lib/progress.mjs'

await runMain('build', async () => {
  if (!existsSync(inRoot('node_modules', 'typescript'))) {
    throw new Failure(
      'The packages are not installed.',
      'npm ci --ignore-scripts, or npm start, which does all that is needed',
    )
  }
  await withBootstrapLock(async () => {
    await buildSources()
    await buildExplorer()
    await buildBundle()
  })
  if (!hasWorked()) console.log('  the build is up to date')
})
