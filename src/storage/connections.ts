import pg from 'pg'

/** Names a command's own connections, so that others can be told from them. */
export function namedConnections(databaseUrl: string, name: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('application_name', name)
  return url.href
}

/** A connection of our own. Where it breaks the next query says so; without a listener it would end the process. */
export function newClient(databaseUrl: string): pg.Client {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  return client
}

/** How long connections of a process that has just ended may stay (ms). */
const PATIENCE_MS = 3000

/** Who else is connected to a database, by address and name; looks again for a while before it says that somebody is. */
export async function otherConnections(databaseUrl: string): Promise<string[]> {
  const client = newClient(databaseUrl)
  await client.connect()
  try {
    for (const deadline = Date.now() + PATIENCE_MS; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
      const { rows } = await client.query<{ who: string }>(`
        SELECT DISTINCT concat_ws(' ', coalesce(host(client_addr), 'local'), usename, nullif(application_name, '')) AS who
        FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
          AND application_name IS DISTINCT FROM current_setting('application_name')`)
      if (rows.length === 0 || Date.now() > deadline) return rows.map(({ who }) => who)
    }
  } finally {
    await client.end()
  }
}
