import { type LookupAddress, promises, type ResolverOptions } from 'node:dns'

/** Of each question (ms); the second is given twice as long. */
const PATIENCE: ResolverOptions = { timeout: 2000, tries: 2 }

export interface NamesOptions {
  /** Names that the operator has named, such as those of a hosts file. */
  isNamed: (name: string) => boolean
  /** Whether names may stand for private addresses: they may be short for some that only the system knows. */
  mayBePrivate: boolean
  /** Name servers, as `Resolver.setServers` takes them; those of the system unless given. */
  servers?: readonly string[]
}

/** All addresses of a name. @throws where it has none, or nobody tells */
export type Names = (name: string) => Promise<LookupAddress[]>

/**
 * Asks for names of others in the DNS, over sockets. The system's own way has two threads for all of them, and is never
 * called off: a peer whose name server does not answer would keep everybody's messages waiting.
 */
export function names({ isNamed, mayBePrivate, servers }: NamesOptions): Names {
  const inDns = async (name: string) => {
    // A new one each time: it knows the name servers of the time when it was made.
    const resolver = new promises.Resolver(PATIENCE)
    if (servers) resolver.setServers([...servers])
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const addresses = found.flatMap((answer, index) =>
      answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family: index === 0 ? 4 : 6 })) : [],
    )
    if (addresses.length === 0) throw (found[0] as PromiseRejectedResult).reason
    return addresses
  }
  const bySystem = (name: string) => promises.lookup(name, { all: true })
  return async (name) => {
    if (isOfSystem(name) || isNamed(name)) return bySystem(name)
    try {
      return await inDns(name)
    } catch (error) {
      const isUnknown = ['ENOTFOUND', 'ENODATA'].includes((error as NodeJS.ErrnoException).code ?? '')
      if (!mayBePrivate || !isUnknown) throw error
      return bySystem(name)
    }
  }
}

/** Nobody else has a name server for these. */
const isOfSystem = (name: string) => !name.includes('.') || name.toLowerCase().endsWith('.localhost')
