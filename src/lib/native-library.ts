import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A native library, and where it may lie. */
export interface NativeLibrary {
  name: string
  /** Names a file, or a folder that has it. */
  variable: string
  /** The package that has it in its `native/`, if there is one and its install script was run. */
  wrapper?: string
  files: Partial<Record<NodeJS.Platform, string>>
}

/** Where to look for it; what is not given comes from the environment and the checkout. */
export interface LibrarySearch {
  /** A file, or a folder that has it; nothing else is tried when set. */
  libraryPath?: string | undefined
  /** Defaults to `process.env`. */
  environment?: Readonly<Record<string, string | undefined>>
  platform?: NodeJS.Platform
}

/**
 * The path of a native library: the option, else what its variable says, else `native/` of the checkout, else
 * `native/` of its wrapper's package.
 *
 * @throws Error with every place looked at and what to do.
 */
export function findNativeLibrary(library: NativeLibrary, search: LibrarySearch = {}): string {
  const { libraryPath, environment = process.env, platform = process.platform } = search
  const { name, variable } = library
  const fileName = library.files[platform]
  if (!fileName) throw new Error(`${name} has no native library for ${platform}: use Linux, macOS or Windows`)

  const candidates = libraryPath ? [libraryPath] : defaultPlaces(library, environment[variable])
  const files = candidates.map((path) => (isFolder(path) ? join(path, fileName) : path))
  const found = files.find((file) => existsSync(file))
  if (found) return found
  throw new Error(
    `The native library of ${name} was not found; looked at ${files.join(', ')}. ` +
      `Run "npm start" or "npm test" once, which fetch it, or set ${variable} to ${fileName} or its folder.`,
  )
}

function defaultPlaces(library: NativeLibrary, named: string | undefined): string[] {
  const places: string[] = []
  if (named) places.push(named)
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)))
  if (root) places.push(join(root, 'native/'))
  const wrapper = library.wrapper && folderOf(library.wrapper)
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

function folderOf(packageName: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`))
  } catch {
    return undefined
  }
}
