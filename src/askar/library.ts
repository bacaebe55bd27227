import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where to look for the native library; what is not given comes from the environment and the checkout. */
export interface LibrarySearch {
  /** A file, or a folder that has it; nothing else is tried when set. */
  libraryPath?: string | undefined
  /** Defaults to `process.env`; `LIB_ASKAR_PATH` is a file or a folder. */
  environment?: Readonly<Record<string, string | undefined>>
  platform?: NodeJS.Platform
}

/** The native library is missing, cannot be loaded, or is of a version that was not built against. */
export class AskarLibraryError extends Error {
  readonly code = 'ASKAR_LIBRARY'
  override readonly name = 'AskarLibraryError'
}

const fileNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libaries_askar.so',
  darwin: 'libaries_askar.dylib',
  win32: 'aries_askar.dll',
}

/**
 * The path of Askar's native library: the option, else `LIB_ASKAR_PATH`, else `native/` of the checkout, else `native/`
 * of the askar-nodejs package.
 *
 * @throws AskarLibraryError with every place looked at and what to do.
 */
export function findLibrary(search: LibrarySearch = {}): string {
  const { libraryPath, environment = process.env, platform = process.platform } = search
  const fileName = fileNames[platform]
  if (!fileName) throw new AskarLibraryError(`Askar has no native library for ${platform}: use Linux, macOS or Windows`)

  const candidates = libraryPath ? [libraryPath] : defaultPlaces(environment)
  const files = candidates.map((path) => (isFolder(path) ? join(path, fileName) : path))
  const found = files.find((file) => existsSync(file))
  if (found) return found
  throw new AskarLibraryError(
    `Askar's native library was not found; looked at ${files.join(', ')}. ` +
      `Run "npm start" or "npm test" once, which fetch it, or set LIB_ASKAR_PATH to ${fileName} or its folder.`,
  )
}

function defaultPlaces(environment: NonNullable<LibrarySearch['environment']>): string[] {
  const places: string[] = []
  if (environment['LIB_ASKAR_PATH']) places.push(environment['LIB_ASKAR_PATH'])
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)))
  if (root) places.push(join(root, 'native/'))
  const wrapper = wrapperFolder()
  if (wrapper) places.push(join(wrapper, 'native/'))
  return places
}

/** A trailing separator says folder even where there is none yet, so that errors name the file that is missing. */
function isFolder(path: string): boolean {
  return /[\\/]$/.test(path) || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)
}

/** The nearest folder upwards with a package.json: the same one from `src/` and from the compiled `dist/src/`. */
function packageRoot(from: string): string | undefined {
  if (existsSync(join(from, 'package.json'))) return from
  const parent = dirname(from)
  return parent === from ? undefined : packageRoot(parent)
}

function wrapperFolder(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('@openwallet-foundation/askar-nodejs/package.json'))
  } catch {
    return undefined
  }
}
