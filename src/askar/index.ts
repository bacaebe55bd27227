import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { Askar } from '@openwallet-foundation/askar-shared'
import { findLibrary } from './library.js'
import { shared } from './shared.js'

export { type EntryReader, readEntry, readEntryList, readValue, type StoredEntry } from './entries.js'
export { AskarLibraryError, findLibrary } from './library.js'
export { handleOf, leaveSession, type SessionLeaver } from './sessions.js'
export { shared } from './shared.js'

/** `koffi` is ours and fast; `nodejs` is askar-nodejs over ffi-napi, the reference. */
export type AskarBinding = 'koffi' | 'nodejs'

export interface LoadAskarOptions {
  binding: AskarBinding
  /** File of the native library, or a folder that has it; by default see `findLibrary`. */
  libraryPath?: string
}

let loaded: { binding: AskarBinding; askar: Promise<Askar> } | undefined

/**
 * Loads Askar and registers it for the whole process. Call it before anything imports askar-shared as ESM, Credo
 * included; it is checked. A second call gives what the first one loaded.
 *
 * @throws AskarLibraryError if the native library is missing or cannot be used
 * @throws Error if another binding was loaded before, or askar-shared was imported too early
 */
export function loadAskar(options: LoadAskarOptions): Promise<Askar> {
  if (!loaded) {
    const attempt = { binding: options.binding, askar: load(options) }
    loaded = attempt
    attempt.askar.catch(() => {
      if (loaded === attempt) loaded = undefined
    })
  }
  if (loaded.binding === options.binding) return loaded.askar
  return Promise.reject(
    new Error(
      `Askar is loaded with the ${loaded.binding} binding already; a process has one, so not ${options.binding}`,
    ),
  )
}

async function load({ binding, libraryPath }: LoadAskarOptions): Promise<Askar> {
  const path = findLibrary({ libraryPath })
  const askar = binding === 'koffi' ? await loadKoffi(path) : loadNodejs(path)
  shared.registerAskar({ askar })

  // The first ESM import, now, takes the names with `askar` in them; if it came before us, it is too late.
  const { askar: seen } = await import('@openwallet-foundation/askar-shared')
  if (seen !== askar) {
    throw new Error('askar-shared was imported before loadAskar: load Askar first, then import what uses it')
  }
  return askar
}

async function loadKoffi(path: string): Promise<Askar> {
  const { createKoffiAskar } = await import('./koffi/koffi-askar.js')
  return createKoffiAskar(path)
}

function loadNodejs(path: string): Askar {
  // askar-nodejs looks for the library itself, at its first call, in the folder that this names.
  process.env['LIB_ASKAR_PATH'] = dirname(path)
  const wrapper = createRequire(import.meta.url)('@openwallet-foundation/askar-nodejs') as { askarNodeJS: Askar }
  return wrapper.askarNodeJS
}
