/** What an envelope was made of, for as long as that is wanted. */
export interface Packed {
  /** The key that opens it where nobody relays it, base58. */
  to: string
  /** The envelope as that key opens it, without the forwards around it. */
  inner: unknown
  /** The thread of the message. */
  thread: string
  /** Whether whoever wants it asks for it anew. */
  passing: boolean
}

const packed = new WeakMap<object, Packed>()

/** Notes what an envelope was made of. */
export const notePacked = (envelope: object, of: Packed): void => void packed.set(envelope, of)

export const packedOf = (envelope: unknown): Packed | undefined => packed.get(envelope as object)
