import { setImmediate as nextTurn } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { renderSVG } from 'uqr'

/** Draws QR codes (SVG): one in a turn of the event loop, as each takes milliseconds, and one that is asked for again not anew. */
export class QrCodes {
  private readonly drawn = new LRUCache<string, Promise<string>>({ max: 32 })
  private last: Promise<unknown> = Promise.resolve()

  of(text: string): Promise<string> {
    const known = this.drawn.get(text)
    if (known) return known
    const code = this.last.then(async () => {
      await nextTurn()
      return renderSVG(text)
    })
    this.last = code.catch(() => {})
    this.drawn.set(text, code)
    return code
  }
}
