import { createRequire } from 'node:module'

/**
 * The one CommonJS copy of askar-shared that everything in the process registers with and reads from.
 *
 * It is loaded by `require` on purpose: Node copies the named exports of a CommonJS module at its first ESM import, so
 * an import before `registerAskar` would leave `askar` undefined for every ESM importer, Credo among them.
 */
export const shared = createRequire(import.meta.url)(
  '@openwallet-foundation/askar-shared',
) as typeof import('@openwallet-foundation/askar-shared')
