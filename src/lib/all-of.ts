/** Waits until all have ended, also where some fail. @throws what failed first */
export async function allOf(work: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const failures: unknown[] = []
  await Promise.all(work.map((one) => one?.catch((error) => void failures.push(error))))
  if (failures.length > 0) throw failures[0]
}
