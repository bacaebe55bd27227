import { withLock } from './lock.mjs'
import { inRoot } from './paths.mjs'

/** Runs work that installs or builds while no other terminal does the same in this checkout. */
export const withBootstrapLock = (work) =>
  withLock(inRoot('.tenantry', 'bootstrap.lock'), work, {
    onWait: () => console.log('  waiting for another bootstrap of this checkout to end'),
  })
