import { Completions } from './completions.js'
import { check } from './errors.js'
import type { NativeFunctions } from './functions.js'
import { createResults, type Results } from './marshal.js'
import { openLibrary } from './native-library.js'
import { Ownership } from './ownership.js'

/** The library, opened, and what every group of methods needs to call it. */
export interface Native {
  readonly functions: NativeFunctions
  readonly results: Results
  readonly completions: Completions
  readonly ownership: Ownership
  /** @throws AskarError unless `code` is 0. */
  check(code: number): void
}

/** @throws AskarLibraryError if the library cannot be loaded. */
export function openNative(path: string): Native {
  const functions = openLibrary(path)
  return {
    functions,
    results: createResults(functions),
    completions: new Completions(functions),
    ownership: new Ownership(functions),
    check: (code) => check(functions, code),
  }
}
