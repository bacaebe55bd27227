/** The longest that a time is waited for, where clocks differ. */
const AHEAD_MS = 3000

/** Waits until a time (seconds since the epoch) has come. */
export async function until(seconds: number): Promise<void> {
  const ms = Math.min(seconds * 1000 - Date.now(), AHEAD_MS)
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}
