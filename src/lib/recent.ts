import { LRUCache } from 'lru-cache'

/**
 * The `most` things that were used last, each no longer than `ttl` (ms) after it was put here. An LRU cache that is told
 * how many it may have lays out the places of all of them as it is made; told how much they may weigh, it grows.
 */
export class Recent<Key extends {}, Value extends {}> extends LRUCache<Key, Value> {
  constructor(most: number, ttl?: number) {
    super({ maxSize: most, sizeCalculation: () => 1, ...(ttl !== undefined && { ttl }) })
  }
}
