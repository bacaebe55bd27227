import type { Outgoing } from './outbox.js'
import type { Failure, Post } from './post.js'
import type { ReturnPaths } from './return-paths.js'

/** Carries single envelopes: by an open return path where there is one, else to their endpoints. */
export class Carrier {
  constructor(
    private readonly paths: ReturnPaths,
    private readonly post: Post,
  ) {}

  /** Once, if `mayGo` still lets it as its turn comes. @returns why it failed */
  async send(
    tenantId: string,
    message: Outgoing,
    mayGo: () => Promise<boolean>,
  ): Promise<Failure | 'held' | undefined> {
    const path = this.paths.find(tenantId, message)
    if (!path) return this.post.send(message, mayGo)
    if (!(await mayGo())) return 'held'
    const { inner = message.payload } = message
    return (await path.send(JSON.stringify(inner))) ? undefined : this.post.send(message, async () => true)
  }
}
