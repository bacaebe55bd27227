import { readFileSync } from 'node:fs'

const pinnedBy = (page: string): string =>
  JSON.parse(readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8')).dependencies['@credo-ts/core']

/** What the stock agents are called in the matrix, by the versions that are installed. */
export const CREDO = `Credo ${pinnedBy('package.json')}`
export const OLDER_CREDO = `Credo ${pinnedBy('interop/credo/packages-0.5/package.json')}`
