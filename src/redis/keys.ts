/** Every name that the gateway uses in Redis. `scope` keeps gateways on different stores apart. */
export class RedisKeys {
  constructor(private readonly scope: string) {}

  /** String: the tenant id that a recipient key belongs to. */
  route(key: string): string {
    return `tenantry:${this.scope}:route:${key}`
  }

  /** String: how often a tenant, or an address, has done something within its minute; all of one in one slot of a cluster. */
  rate(who: string, what: string): string {
    return `tenantry:${this.scope}:rate:{${who}}:${what}`
  }

  /** Hash: how many subscriptions of a tenant each instance has open, and until when that counts. */
  open(tenantId: string): string {
    return `tenantry:${this.scope}:open:{${tenantId}}`
  }

  /** String: there as long as a process lives. */
  alive(process: string): string {
    return `tenantry:${this.scope}:alive:${process}`
  }

  /** Channel on which instances tell each other what has changed. */
  get bus(): string {
    return `tenantry:${this.scope}:told`
  }
}
