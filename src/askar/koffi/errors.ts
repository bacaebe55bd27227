import type { AskarError, AskarErrorObject } from '@openwallet-foundation/askar-shared'
import { shared } from '../shared.js'
import type { NativeFunctions } from './functions.js'
import { takeText } from './native-library.js'

/** `ErrorCode` of the C header. */
const errorTexts: Readonly<Record<number, string>> = {
  1: 'Storage backend error',
  2: 'Resource busy',
  3: 'Duplicate entry',
  4: 'Encryption error',
  5: 'Invalid input',
  6: 'Entry not found',
  7: 'Unexpected error',
  8: 'Unsupported operation',
  100: 'Custom error',
}

const inputError = 5

/** Takes the last error of the process from the library: of whichever call failed last, so never trust its code. */
export function takeCurrentError(functions: NativeFunctions): AskarErrorObject {
  const out = new BigUint64Array(1)
  functions.askar_get_current_error(out)
  return JSON.parse(takeText(functions, out[0]) ?? '{"code":0,"message":null}') as AskarErrorObject
}

/**
 * The error of a call. Its code is the one the call itself returned or was called back with; the library's text is
 * used only where it belongs to that code, since the library keeps one last error for all threads.
 */
export function callError(functions: NativeFunctions, code: number): AskarError {
  const last = takeCurrentError(functions)
  const message = last.code === code && last.message ? last.message : (errorTexts[code] ?? `Error code ${code}`)
  return new shared.AskarError({ code, message })
}

/** @throws AskarError unless `code` is 0. */
export function check(functions: NativeFunctions, code: number): void {
  if (code !== 0) throw callError(functions, code)
}

export function invalidInput(message: string): AskarError {
  return new shared.AskarError({ code: inputError, message })
}
