import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'

/** The server that `npm test` found or started; the usual port when a test file is run by itself. */
const databaseServer = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432'
const redisServer = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379'

const uniqueName = () => `tenantry_test_${process.pid}_${randomBytes(6).toString('hex')}`

function databaseUrl(name: string): string {
  const url = new URL(databaseServer)
  url.pathname = `/${name}`
  return url.href
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl('postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** An empty Postgres database of its own. `drop` removes it even while connections to it are open. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = uniqueName()
  // template0 takes no connections, so databases can be made from it by several test files at once.
  await onServer(`CREATE DATABASE "${name}" TEMPLATE template0`)
  return { url: databaseUrl(name), drop: () => onServer(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`) }
}

/** A part of Redis of its own, by a key prefix. `clear` removes every key that has it. */
export function freshRedis(): { url: string; keyPrefix: string; clear(): Promise<void> } {
  const keyPrefix = `${uniqueName()}:`
  return { url: redisServer, keyPrefix, clear: () => clearKeys(keyPrefix) }
}

async function clearKeys(keyPrefix: string): Promise<void> {
  const redis = new Redis(redisServer)
  try {
    for await (const keys of redis.scanStream({ match: `${keyPrefix}*`, count: 500 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await redis.unlink(...keys)
    }
  } finally {
    redis.disconnect()
  }
}

/** An empty folder outside the checkout. */
export function tempDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tenantry-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
