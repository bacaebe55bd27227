/**
 * A message that goes no further: it is not of its type's shape, its receiver is not known here, or too much waits for that
 * one. Nothing of it is kept. There is nobody to answer, so whoever brought it is told by the transport.
 */
export class NotTaken extends Error {
  constructor(readonly why: 'malformed' | 'unknown-recipient' | 'full') {
    super(`Not taken: ${why}`)
  }
}
