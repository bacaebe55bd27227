import type {
  ArcHandle,
  EntryListHandle,
  KeyEntryListHandle,
  LocalKeyHandle,
} from '@openwallet-foundation/askar-shared'
import { shared } from '../shared.js'
import type { NativeFunctions, Pointer } from './functions.js'
import { address } from './marshal.js'

type Free = 'askar_entry_list_free' | 'askar_key_entry_list_free' | 'askar_key_free'

/**
 * Owns what handles point to: it is freed once, by `handle.free()` or, where a wrapper or Credo forgets to, when the
 * handle is garbage. A freed handle is NULL, so that using it again is an error and not a crash.
 */
export class Ownership {
  readonly #functions: NativeFunctions
  readonly #garbage = new FinalizationRegistry<{ free: Free; pointer: Pointer }>(({ free, pointer }) =>
    this.#functions[free](pointer),
  )

  constructor(functions: NativeFunctions) {
    this.#functions = functions
  }

  key(pointer: Pointer): LocalKeyHandle {
    return this.#own(new shared.LocalKeyHandle(asHandle(pointer)), 'askar_key_free', pointer)
  }

  /** Null where nothing was found. */
  entryList(pointer: Pointer | null): EntryListHandle | null {
    if (!pointer) return null
    return this.#own(new shared.EntryListHandle(asHandle(pointer)), 'askar_entry_list_free', pointer)
  }

  /** Null where nothing was found. */
  keyEntryList(pointer: Pointer | null): KeyEntryListHandle | null {
    if (!pointer) return null
    return this.#own(new shared.KeyEntryListHandle(asHandle(pointer)), 'askar_key_entry_list_free', pointer)
  }

  freeKey(handle: LocalKeyHandle): void {
    this.#free(handle, 'askar_key_free')
  }

  freeEntryList(handle: EntryListHandle): void {
    this.#free(handle, 'askar_entry_list_free')
  }

  freeKeyEntryList(handle: KeyEntryListHandle): void {
    this.#free(handle, 'askar_key_entry_list_free')
  }

  #own<Handle extends ArcHandle>(handle: Handle, free: Free, pointer: Pointer): Handle {
    this.#garbage.register(handle, { free, pointer }, handle)
    return handle
  }

  #free(handle: ArcHandle, free: Free): void {
    const pointer = address(handle)
    if (!pointer) return
    handle.handle = asHandle(0n)
    this.#garbage.unregister(handle)
    this.#functions[free](pointer)
  }
}

/** askar-shared types a handle as what ffi-napi or React Native give; it only stores it, and asks whether it is truthy. */
function asHandle(pointer: Pointer): string {
  return pointer as unknown as string
}
