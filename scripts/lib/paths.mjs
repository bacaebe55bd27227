import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout that these scripts belong to, whatever the working directory is. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** @param {...string} parts path inside the checkout */
export const inRoot = (...parts) => join(root, ...parts)
