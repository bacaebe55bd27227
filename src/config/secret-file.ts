import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

export interface SecretFile {
  value: string
  /** Whether this call made it. */
  created: boolean
  /** Whether others on the machine can read it. */
  exposed: boolean
}

/**
 * Reads a secret from its file, or makes it (file mode 600, folder 700). Whole or not at all: a crash leaves no half of
 * a key, and of two processes that start at once both get the same one.
 *
 * @throws the file system's error
 */
export function readOrCreateSecret(path: string, generate: () => string): SecretFile {
  const existing = read(path)
  if (existing) return existing
  try {
    writeSecret(path, generate())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readOrCreateSecret(path, generate)
  }
  return { value: readFileSync(path, 'utf8').trimEnd(), created: true, exposed: false }
}

function read(path: string): SecretFile | undefined {
  try {
    const value = readFileSync(path, 'utf8').trimEnd()
    const exposed = process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
    return { value, created: false, exposed }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Unlike a rename, a link fails where another process was first, and leaves its key alone. Not every disk has links. */
function publish(temporary: string, path: string): void {
  try {
    linkSync(temporary, path)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    renameSync(temporary, path)
  }
}

/** Writes a secret that is not there yet. @throws EEXIST where it is */
export function writeSecret(path: string, value: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeDurably(temporary, `${value}\n`)
    publish(temporary, path)
    syncFolder(dirname(path))
  } finally {
    rmSync(temporary, { force: true })
  }
}

/**
 * Puts `next` in the place of a secret, which stays under the name `former`. At no moment is the secret missing, so that
 * nobody makes a new one.
 */
export function replaceSecret(path: string, next: string, former: string): void {
  try {
    linkSync(path, former)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') copyFileSync(path, former, constants.COPYFILE_EXCL)
  }
  syncFolder(dirname(path))
  renameSync(next, path)
  syncFolder(dirname(path))
}

function writeDurably(path: string, content: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Without it a power cut can take the new name back after the first data was encrypted with the key. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
