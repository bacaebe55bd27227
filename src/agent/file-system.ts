import type { FileSystem } from '@credo-ts/core'

/** Credo gets no file system: wallets live in the store, and nothing else of it needs one. */
export class NoFileSystem implements FileSystem {
  readonly dataPath = ''
  readonly cachePath = ''
  readonly tempPath = ''
  exists = refuse
  createDirectory = refuse
  copyFile = refuse
  write = refuse
  read = refuse
  delete = refuse
  downloadToFile = refuse
}

async function refuse(): Promise<never> {
  throw new Error('The agent has no file system')
}
