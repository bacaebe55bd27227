import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** How much of a process is read at once. */
const PIECE = 4 * 2 ** 20

/** What a process has in its memory of what is looked for: by name, how often. Linux only. */
export async function foundInMemory(pid: number, marks: Record<string, Buffer>): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  const longest = Math.max(...Object.values(marks).map(({ length }) => length))
  const memory = await open(`/proc/${pid}/mem`)
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)
      if (!range) continue
      const [begin, end] = [Number.parseInt(range[1] as string, 16), Number.parseInt(range[2] as string, 16)]
      for (let place = begin; place < end; place += PIECE) {
        const length = Math.min(PIECE + longest - 1, end - place)
        const piece = Buffer.alloc(length)
        const read = await memory.read(piece, 0, length, place).catch(() => ({ bytesRead: 0 }))
        for (const [name, mark] of Object.entries(marks)) {
          const times = countIn(piece.subarray(0, read.bytesRead), mark)
          if (times > 0) found[name] = (found[name] ?? 0) + times
        }
      }
    }
  } finally {
    await memory.close()
  }
  return found
}

function countIn(text: Buffer, mark: Buffer): number {
  let times = 0
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) times += 1
  return times
}
