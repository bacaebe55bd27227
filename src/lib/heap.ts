import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Beyond this the space for new objects does not grow (bytes): more takes memory, and saves no time. */
const ENOUGH = 32 * 2 ** 20
const LOOK_MS = 250

/**
 * Keeps the memory of a busy gateway from swinging by hundreds of megabytes, and what is compiled. To be called when all modules are loaded: what
 * was compiled of Node's own beforehand is not taken under other flags than Node's, which makes a start a sixth dearer.
 */
export function boundHeap(): void {
  // Else it may double before it is collected.
  setFlagsFromString('--heap-growing-percent=25')
  // Else what has not run for a while is compiled anew: after a pause a request would cost a tenth more.
  setFlagsFromString('--no-flush-bytecode')
  boundNewSpace()
}

/**
 * Keeps the space for new objects from growing to the 128 MB that V8 allows. The flag that bounds it is read only before
 * this program is; that by which it grows is read each time.
 */
function boundNewSpace(): void {
  let grows = true
  setInterval(() => {
    const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
    const growing = (space?.space_size ?? 0) < ENOUGH
    if (growing === grows) return
    grows = growing
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`)
  }, LOOK_MS).unref()
}
