import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Record<string, unknown>

interface Resource {
  id: string
  name: string
  type: string
  /** Seconds. */
  created: number
  content: Json
  previous: string | null
  next: string | null
}

interface Did {
  document: Json
  deactivated: boolean
  resources: Resource[]
}

const BASE = '/1.0/identifiers/'
const JSON_LD = 'application/ld+json'

/**
 * A cheqd network in memory, behind a DID resolver on a real socket. It answers as cheqd's did-resolver 3.8 does, to what
 * W3C's DID Resolution names for HTTP, and keeps resources and links their versions as the ledger does.
 */
export class TestCheqd {
  /** What was asked for, by what stands behind `/1.0/identifiers/`. */
  readonly asked: string[] = []
  /** Other files that the same server has, by path. */
  readonly files = new Map<string, Buffer>()
  /** Changes what is answered, where the resolver is to lie. */
  lie: ((asked: string, answer: Json) => unknown) | undefined
  private readonly server = createServer((request, response) => this.answer(request, response))

  private constructor(
    readonly namespace: string,
    private readonly dids: Map<string, Did>,
  ) {}

  static async open(namespace = 'testnet', dids = new Map<string, Did>()): Promise<TestCheqd> {
    const cheqd = new TestCheqd(namespace, dids)
    cheqd.server.listen(0, '127.0.0.1')
    await once(cheqd.server, 'listening')
    return cheqd
  }

  /** Another resolver of the same network. */
  another(): Promise<TestCheqd> {
    return TestCheqd.open(this.namespace, this.dids)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** What a gateway is told of it. */
  get network() {
    return { namespace: this.namespace, resolver: this.url }
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }

  newDid(id: string = randomUUID()): string {
    return `did:cheqd:${this.namespace}:${id}`
  }

  /** Writes a DID: its document, by what it is. */
  writeDid(did: string, document: Json = {}): string {
    this.dids.set(did, { document: { id: did, controller: [did], ...document }, deactivated: false, resources: [] })
    return did
  }

  deactivate(did: string): void {
    this.of(did).deactivated = true
  }

  /** Writes a resource, as the next version of the one that has its name and type. @returns its id */
  write(
    did: string,
    {
      name,
      type,
      content,
      created = Math.floor(Date.now() / 1000),
    }: Pick<Resource, 'name' | 'type'> & {
      content: object
      created?: number
    },
  ): string {
    const { resources } = this.of(did)
    const before = resources.findLast((one) => one.name === name && one.type === type)
    const id = randomUUID()
    if (before) before.next = id
    resources.push({ id, name, type, created, content: content as Json, previous: before?.id ?? null, next: null })
    return `${did}/resources/${id}`
  }

  /** What the ledger has of a resource. */
  read(id: string): Resource | undefined {
    const [did = '', , resourceId] = id.split('/')
    return this.dids.get(did)?.resources.find((one) => one.id === resourceId)
  }

  /** The version of a resource that was the last one at a time. */
  readAt(did: string, name: string, type: string, time: number): Resource | undefined {
    return this.of(did).resources.findLast((one) => one.name === name && one.type === type && one.created <= time)
  }

  /** The ids of the status lists of a registry, the first one first. */
  listsOf(registryId: string): string[] {
    const { name } = this.read(registryId) ?? {}
    const { resources } = this.of(registryId.split('/')[0] ?? '')
    return resources.filter((one) => one.name === name && one.type === 'anonCredsStatusList').map(({ id }) => id)
  }

  private of(did: string): Did {
    const found = this.dids.get(did)
    if (!found) throw new Error('The ledger has no such DID')
    return found
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, search, searchParams } = new URL(request.url ?? '', this.url)
    const file = this.files.get(pathname)
    if (file) return void response.end(file)
    const [did = '', ...path] = decodeURIComponent(pathname.slice(BASE.length)).split('/')
    const asked = `${pathname.slice(BASE.length)}${search}`
    this.asked.push(asked)
    const accept = request.headers.accept ?? ''
    const found = pathname.startsWith(BASE) ? this.answerTo(did, path, searchParams, accept) : undefined
    const body = found && (this.lie ? this.lie(asked, found) : found)
    if (body === undefined) {
      const error = { didResolutionMetadata: { error: 'notFound' }, didDocument: null, didDocumentMetadata: {} }
      return void response.writeHead(404, { 'content-type': JSON_LD }).end(JSON.stringify(error))
    }
    response.writeHead(200, { 'content-type': JSON_LD }).end(JSON.stringify(body, undefined, 2))
  }

  private answerTo(did: string, path: string[], query: URLSearchParams, accept: string): Json | undefined {
    const known = this.dids.get(did)
    if (!known) return undefined
    const [, namespace, , id] = did.split(':')
    const told = {
      contentType: JSON_LD,
      retrieved: new Date().toISOString().replace(/\.\d+/, ''),
      did: { didString: did, methodSpecificId: id, method: 'cheqd', namespace },
    }
    const context = { '@context': 'https://w3id.org/did-resolution/v1' }
    const all = known.resources.map((one) => metadataOf(did, one)).reverse()
    if (path.length === 0 && query.size === 0) {
      if (!accept.includes('"https://w3id.org/did-resolution"')) return known.document
      const { deactivated } = known
      const about = { created: '2024-03-01T09:00:00Z', versionId: '76e546ee-78cd-5372-b34e-8b47461626e1' }
      const list = all.length > 0 ? { linkedResourceMetadata: all } : {}
      return {
        ...context,
        didResolutionMetadata: told,
        didDocument: known.document,
        didDocumentMetadata: { ...about, ...(deactivated && { deactivated }), ...list },
      }
    }
    const dereferences = accept.includes('"https://w3id.org/did-url-dereferencing"')
    if (path.length === 0) {
      const names = ['resourceName', 'resourceType'] as const
      const matching = all.filter((one) => names.every((name) => !query.has(name) || query.get(name) === one[name]))
      if (query.get('resourceMetadata') !== 'true' || !dereferences || matching.length === 0) return undefined
      const list = { linkedResourceMetadata: matching }
      return { ...context, dereferencingMetadata: told, contentStream: null, contentMetadata: list }
    }
    const resource = path[0] === 'resources' && path.length === 2 ? this.read(`${did}/${path.join('/')}`) : undefined
    if (!resource) return undefined
    if (!dereferences) return resource.content
    const { content } = resource
    const metadata = metadataOf(did, resource)
    return { ...context, dereferencingMetadata: told, contentStream: content, contentMetadata: metadata }
  }
}

function metadataOf(did: string, { id, name, type, created, content, previous, next }: Resource) {
  return {
    resourceURI: `${did}/resources/${id}`,
    resourceCollectionId: did.slice(did.lastIndexOf(':') + 1),
    resourceId: id,
    resourceName: name,
    resourceType: type,
    mediaType: 'application/json',
    resourceVersion: '',
    created: new Date(created * 1000).toISOString().replace('.000', ''),
    checksum: createHash('sha256').update(JSON.stringify(content)).digest('hex'),
    previousVersionId: previous,
    nextVersionId: next,
  }
}
