import type { ReturnRoute } from '../agent/return-route.js'

/** An open request or socket by which envelopes can go back to whoever opened it. */
export interface ReturnPath {
  readonly isOpen: boolean
  /** Whether it is open for more than one answer. */
  readonly isLasting: boolean
  /** @returns whether it arrived there, as far as that can be known */
  send(envelope: string): Promise<boolean>
  /** Something may come by it: for sure, or once it is known. */
  expect(more: true | Promise<void>): void
}

/** What an envelope says of the way that it may take. */
export interface Returnable {
  to?: string
  thread?: string
}

interface Way {
  path: ReturnPath
  /** What may go by it; undefined for everything. */
  threads: Set<string> | undefined
}

/** Keys that one path can be open for; with more the oldest is forgotten. */
const KEYS_MAX = 1000
/** Threads that one path can be open for. */
const THREADS_MAX = 100

/**
 * The ways back to peers that are open in this process, each for what is sealed by one tenant for one key (Aries RFC
 * 0092). Of several the newest counts: an agent that connects anew may have left a socket that does not know it yet.
 */
export class ReturnPaths {
  private readonly ways = new Map<string, Way[]>()
  private readonly keysOf = new Map<ReturnPath, Set<string>>()

  /** @returns whether that way was not open before */
  open(tenantId: string, { to, thread }: ReturnRoute, path: ReturnPath): boolean {
    const key = nameOf(tenantId, to)
    const ways = this.ways.get(key) ?? []
    const known = ways.find((way) => way.path === path)
    this.ways.set(key, [...ways.filter((way) => way !== known), addThread(known, thread, path)])
    const keys = this.keysOf.get(path) ?? new Set()
    this.keysOf.set(path, keys.add(key))
    const [oldest] = keys
    if (keys.size > KEYS_MAX && oldest !== undefined) this.remove(path, oldest)
    return known === undefined
  }

  find(tenantId: string, { to, thread }: Returnable): ReturnPath | undefined {
    if (to === undefined) return undefined
    const fits = ({ path, threads }: Way) => path.isOpen && (!threads || (thread !== undefined && threads.has(thread)))
    return this.ways.get(nameOf(tenantId, to))?.findLast(fits)?.path
  }

  /** Whether there is a way to a key, if only for some threads. */
  isOpenFor(tenantId: string, to: string): boolean {
    return this.ways.has(nameOf(tenantId, to))
  }

  /** The keys that a tenant can reach now. */
  keysFor(tenantId: string): string[] {
    const prefix = nameOf(tenantId, '')
    return [...this.ways.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  }

  /** The tenants that have a way open. */
  get tenantIds(): Set<string> {
    return new Set([...this.ways.keys()].map((key) => key.slice(0, key.indexOf(' '))))
  }

  /** Nothing goes back by it any more. */
  close(path: ReturnPath): void {
    for (const key of this.keysOf.get(path) ?? []) this.remove(path, key)
  }

  private remove(path: ReturnPath, key: string): void {
    const left = (this.ways.get(key) ?? []).filter((way) => way.path !== path)
    if (left.length > 0) this.ways.set(key, left)
    else this.ways.delete(key)
    const keys = this.keysOf.get(path)
    keys?.delete(key)
    if (keys?.size === 0) this.keysOf.delete(path)
  }
}

const nameOf = (tenantId: string, key: string) => `${tenantId} ${key}`

function addThread(known: Way | undefined, thread: string | undefined, path: ReturnPath): Way {
  if (thread === undefined || (known && !known.threads)) return { path, threads: undefined }
  return { path, threads: new Set([...(known?.threads ?? []), thread].slice(-THREADS_MAX)) }
}
