/** Every name that the gateway uses in Redis. `scope` keeps gateways on different stores apart. */
export class RedisKeys {
  constructor(private readonly scope: string) {}

  /** String: the tenant id that a recipient key belongs to. */
  route(key: string): string {
    return `tenantry:${this.scope}:route:${key}`
  }

  /** Channel on which instances tell each other what has changed. */
  get bus(): string {
    return `tenantry:${this.scope}:bus`
  }
}
