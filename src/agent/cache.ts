import type { AgentContext, Cache } from '@credo-ts/core'
import { LRUCache } from 'lru-cache'

/**
 * Credo's cache, in memory. Each key carries its wallet: Credo's own in-memory cache does not, and would hand one
 * tenant's entries to another.
 */
export class WalletCache implements Cache {
  private readonly entries = new LRUCache<string, object>({ max: 2000, ttl: 5 * 60_000 })

  async get<T>(context: AgentContext, key: string): Promise<T | null> {
    return (this.entries.get(keyOf(context, key)) as T | undefined) ?? null
  }

  async set<T>(context: AgentContext, key: string, value: T, expiresInSeconds?: number): Promise<void> {
    const ttl = expiresInSeconds === undefined ? undefined : expiresInSeconds * 1000
    this.entries.set(keyOf(context, key), value as object, { ttl })
  }

  async remove(context: AgentContext, key: string): Promise<void> {
    this.entries.delete(keyOf(context, key))
  }

  async destroy(context: AgentContext): Promise<void> {
    for (const key of this.entries.keys()) if (key.startsWith(keyOf(context, ''))) this.entries.delete(key)
  }
}

const keyOf = (context: AgentContext, key: string) => `${context.contextCorrelationId}\0${key}`
