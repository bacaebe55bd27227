/** Takes stretches of given lengths from bytes that come in pieces. */
export class ByteReader {
  private readonly pieces: AsyncIterator<Uint8Array>
  private held: Buffer[] = []
  private length = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.pieces = source[Symbol.asyncIterator]()
  }

  /** The next `count` bytes, or fewer where the source ends before. */
  async upTo(count: number): Promise<Buffer> {
    while (this.length < count && (await this.pull()));
    const taken: Buffer[] = []
    let left = count
    // A piece may be far longer than what is taken of it: what stays of it is not copied.
    for (let piece = this.held[0]; piece && left > 0; piece = this.held[0]) {
      const part = piece.subarray(0, left)
      if (part.length === piece.length) this.held.shift()
      else this.held[0] = piece.subarray(left)
      taken.push(part)
      left -= part.length
    }
    this.length -= count - left
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken)
  }

  /** The next `count` bytes. @throws where the source ends before */
  async exactly(count: number): Promise<Buffer> {
    const bytes = await this.upTo(count)
    if (bytes.length < count) throw new Error('The end is missing')
    return bytes
  }

  /** All that is left, as it comes. */
  async *rest(): AsyncGenerator<Buffer> {
    do {
      yield* this.held.splice(0)
      this.length = 0
    } while (await this.pull())
  }

  private async pull(): Promise<boolean> {
    const { value, done } = await this.pieces.next()
    if (done) return false
    this.held.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    this.length += value.byteLength
    return true
  }
}
