/** Does something every `ms`, but not again while it is still under way. @returns ends it */
export function repeat(ms: number, work: () => Promise<void>, failed: (error: unknown) => void, alsoNow = false) {
  let isRunning = false
  const run = async () => {
    if (isRunning) return
    isRunning = true
    try {
      await work()
    } catch (error) {
      failed(error)
    } finally {
      isRunning = false
    }
  }
  const timer = setInterval(() => void run(), ms).unref()
  if (alsoNow) void run()
  return () => clearInterval(timer)
}

/** Takes one step after the other, also where some fail. */
export async function takeAll(steps: readonly (() => Promise<unknown>)[], failed: (error: unknown) => void) {
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failed(error)
    }
  }
}
