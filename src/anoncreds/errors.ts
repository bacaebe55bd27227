/** The library refused what it was given, or could not do it. `code` is its `ErrorCode`. */
export class NativeError extends Error {
  override readonly name = 'NativeError'

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message)
  }
}

/** `ErrorCode::Input`: the library cannot use what it is given. */
export const INPUT = 1
/** `ErrorCode::Unexpected` */
export const UNEXPECTED = 4
