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
