// A process that makes AnonCreds calls for the gateway: one message is a call, and each has its answer, in order.
// `process.argv`: the file of the native library, and how nice the process is to others (0 to 19).
import { setPriority } from 'node:os'
import type { AnswerMessage, CallMessage, Calls } from '../calls.js'
import { NativeError } from '../errors.js'
import type { NativeFunctions } from '../koffi/functions.js'
import { openLibrary } from '../koffi/native-library.js'
import { Objects } from '../koffi/objects.js'
import { holderCalls } from './holder-calls.js'
import type { Implementation } from './implementation.js'
import { issuerCalls } from './issuer-calls.js'
import { verifierCalls } from './verifier-calls.js'

const calls: Implementation<Calls> = { ...issuerCalls, ...holderCalls, ...verifierCalls }

const [libraryPath = '', niceness = '0'] = process.argv.slice(2)
// The terminal and service managers signal every process of the gateway: this one ends when the gateway says so, or
// is gone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
if (niceness !== '0') setPriority(Number(niceness))

let functions: NativeFunctions | undefined
process.on('message', (message: CallMessage) => {
  process.send?.(answer(message))
})

function answer({ name, args }: CallMessage): AnswerMessage {
  let objects: Objects | undefined
  try {
    functions ??= openLibrary(libraryPath)
    objects = new Objects(functions)
    return { result: calls[name](objects, args as never) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { error: error instanceof NativeError ? { code: error.code, message } : { message } }
  } finally {
    objects?.free()
  }
}
