import { RecordNotFoundError } from '@credo-ts/core'
import { MessageSendingError } from '@credo-ts/didcomm'
import { notFound, protocolError } from '../lib/errors.js'

/** Runs a call of Credo's, and tells in our terms what the caller can do about its errors. */
export async function askAgent<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof RecordNotFoundError) throw notFound(what)
    if (error instanceof MessageSendingError) {
      throw protocolError("The other agent's DID document names no endpoint that this gateway can send to.", error)
    }
    throw error
  }
}
