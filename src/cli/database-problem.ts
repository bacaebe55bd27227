/** What keeps a database from being used, by the code that its driver gives; its message may hold a password. */
export function databaseProblem(code: string, databaseUrl: string): { says: string; advice: string } {
  const { hostname, port } = new URL(databaseUrl)
  return { says: `${hostname}:${port || DEFAULT_PORT} does not let us in (${code})`, advice: adviceFor(code) }
}

/** Whether an error is of a connection to this database, or what it answers. */
export function isOfDatabase(error: unknown, databaseUrl: string): boolean {
  const { hostname, port } = new URL(databaseUrl)
  // Where a name has several addresses, each has failed.
  const [first] = (error as { errors?: unknown[] }).errors ?? [error]
  const failed = first as { syscall?: unknown; hostname?: unknown; port?: unknown; severity?: unknown }
  if (failed.syscall === 'getaddrinfo') return failed.hostname === hostname
  if (failed.syscall === 'connect') return failed.port === Number(port || DEFAULT_PORT)
  return failed.severity !== undefined
}

const DEFAULT_PORT = 5432

function adviceFor(code: string): string {
  if (code === '28P01' || code === '28000') return 'Check user and password in DATABASE_URL.'
  if (code === '3D000') return 'This database is missing: the first start makes it. Check the name in DATABASE_URL.'
  if (code === '53300') return 'All connections are taken: raise max_connections, or stop what holds them.'
  return 'Check host and port in DATABASE_URL, and that the server runs and can be reached from here.'
}
