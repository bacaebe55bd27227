import { readFileSync } from 'node:fs'

/** Version of this package. Its package.json is above this file, how far depends on whether it was compiled. */
export const version: string = readVersion(new URL('../', import.meta.url))

function readVersion(folder: URL): string {
  try {
    const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'))
    return version
  } catch (error) {
    const parent = new URL('../', folder)
    if (parent.href === folder.href) throw error
    return readVersion(parent)
  }
}
