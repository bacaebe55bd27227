import { isGatewayError } from '../lib/errors.js'

/** Another instance changed what a unit has read while it ran; the unit is run again. */
export class ConflictError extends Error {}

/** The wallet has moved, or is moving, to another place. Looking it up again helps, a little later. */
export class FencedError extends Error {
  constructor() {
    super('The wallet is moving')
  }
}

/** The store could not be read or written. Trying later can help. */
export class StoreError extends Error {
  constructor(cause: unknown) {
    super('The store could not be used', { cause })
  }
}

/** What a failed piece of work says of the store. A wallet that is locked or moving is not the store's failure. */
export const storeError = (cause: unknown) =>
  [ConflictError, FencedError, StoreError].some((known) => cause instanceof known) || isGatewayError(cause)
    ? cause
    : new StoreError(cause)
