/** By which variable a worker is told its number. */
export const WORKER_NUMBER = 'TENANTRY_WORKER'

/** Which worker this process is, from 1; undefined in one that runs alone, and in the one that starts the workers. */
export function workerNumber(): number | undefined {
  const number = process.env[WORKER_NUMBER]
  return number === undefined ? undefined : Number(number)
}
