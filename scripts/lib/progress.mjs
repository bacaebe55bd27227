/** How many steps had something to do, for the line at the end. */
let worked = 0

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

/**
 * One line for one piece of work: what, then how long.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function progress(what, work) {
  const since = performance.now()
  worked += 1
  process.stdout.write(`  ${what} … `)
  try {
    const result = await work()
    process.stdout.write(`${seconds(since)}\n`)
    return result
  } catch (error) {
    process.stdout.write(`failed after ${seconds(since)}\n`)
    throw error
  }
}

/** Whether any line of progress was printed. */
export const hasWorked = () => worked > 0
