import type {
  AnonCredsCredentialDefinition,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationStatusList,
  AnonCredsSchema,
} from '@credo-ts/anoncreds'
import { z } from 'zod'
import { type CheqdId, type CheqdResolvers, InvalidAnswer, parseCheqdId } from '../cheqd-resolvers.js'
import { areAttributeNames } from './attribute-names.js'
import { type Found, LARGEST_REGISTRY, type LedgerReader } from './ledger-reader.js'

/** Types of resources, as cheqd's AnonCreds method names them. */
const TYPE = {
  schema: 'anonCredsSchema',
  definition: 'anonCredsCredDef',
  registry: 'anonCredsRevocRegDef',
  list: 'anonCredsStatusList',
} as const

const text = z.string().min(1)
/** What the library reads, whose parts it knows. */
const numbers = z.looseObject({})

const SHAPE = {
  schema: z.object({ name: text, version: text, attrNames: z.array(text).refine(areAttributeNames) }),
  definition: z.object({
    schemaId: text,
    type: z.literal('CL'),
    tag: z.string(),
    value: z.object({ primary: numbers, revocation: numbers.nullish().transform((keys) => keys ?? undefined) }),
  }),
  registry: z.object({
    revocDefType: z.literal('CL_ACCUM'),
    credDefId: text,
    tag: z.string(),
    value: z.object({
      publicKeys: z.object({ accumKey: z.object({ z: text }) }),
      maxCredNum: z.int().min(1).max(LARGEST_REGISTRY),
      tailsLocation: text,
      tailsHash: text,
    }),
  }),
  list: z.object({
    revRegDefId: text,
    currentAccumulator: text,
    revocationList: z.array(z.union([z.literal(0), z.literal(1)])),
  }),
}

/** What the ledger itself says of a resource. */
const metadata = z.object({
  resourceURI: z.string(),
  resourceCollectionId: z.string(),
  resourceId: z.string(),
  resourceName: z.string(),
  resourceType: z.string(),
  created: z.iso.datetime().transform((time) => Math.floor(Date.parse(time) / 1000)),
  nextVersionId: z.string().nullish(),
})
type Metadata = z.output<typeof metadata>

const dereferenced = z.object({ contentStream: z.looseObject({}), contentMetadata: metadata })
const versions = z.object({ contentMetadata: z.object({ linkedResourceMetadata: z.array(metadata) }) })

type Kind = keyof typeof SHAPE
interface Resource<K extends Kind> {
  id: CheqdId
  content: z.output<(typeof SHAPE)[K]>
  metadata: Metadata
}

/**
 * Reads AnonCreds objects from cheqd networks: resources of the issuer's DID, whose content names no issuer, and whose
 * time is that of the block which has them. Each has to be the one that was asked for, of its type and shape.
 */
export class CheqdReader implements LedgerReader {
  constructor(private readonly resolvers: CheqdResolvers) {}

  async schema(id: string): Promise<Found<AnonCredsSchema> | undefined> {
    const found = await this.resource('schema', id)
    return found && { object: { ...found.content, issuerId: found.id.did } }
  }

  async definition(id: string): Promise<Found<AnonCredsCredentialDefinition> | undefined> {
    const found = await this.resource('definition', id)
    if (!found) return undefined
    const object = { ...found.content, issuerId: found.id.did } as AnonCredsCredentialDefinition
    return { object }
  }

  async registry(id: string): Promise<Found<AnonCredsRevocationRegistryDefinition> | undefined> {
    const found = await this.resource('registry', id)
    return found && { object: { ...found.content, issuerId: found.id.did } }
  }

  /** Lists are versions of one resource, which has the name of the registry. */
  async statusList(registryId: string, timestamp: number): Promise<Found<AnonCredsRevocationStatusList> | undefined> {
    const registry = await this.resource('registry', registryId)
    if (!registry) return undefined
    const version = versionAt(await this.lists(registry), timestamp)
    const list = version && (await this.resource('list', version.resourceURI))
    if (!list) return undefined
    const { content, metadata: stated } = list
    must(stated.created === version.created, 'is of another time than was said before')
    must(content.revRegDefId === registryId, 'is of another registry')
    must(content.revocationList.length === registry.content.value.maxCredNum, 'is not as long as its registry')
    return { object: { ...content, issuerId: registry.id.did, timestamp: stated.created } }
  }

  private async resource<K extends Kind>(kind: K, url: string): Promise<Resource<K> | undefined> {
    const id = parseCheqdId(url)
    if (!id?.resourceId) return undefined
    const answer = await this.resolvers.ask('dereferencing', id, `/resources/${id.resourceId}`)
    if (answer === undefined) return undefined
    const { contentStream, contentMetadata } = shaped(dereferenced, answer)
    must(contentMetadata.resourceURI === url && contentMetadata.resourceId === id.resourceId, 'is another one')
    must(isOf(contentMetadata, id), 'is of another DID')
    must(contentMetadata.resourceType === TYPE[kind], 'is of another type')
    must([undefined, id.did].includes(contentStream['issuerId'] as string | undefined), 'names another issuer')
    const content = shaped<unknown>(SHAPE[kind], contentStream) as Resource<K>['content']
    return { id, content, metadata: contentMetadata }
  }

  private async lists({ id, metadata: { resourceName } }: Resource<'registry'>): Promise<Metadata[]> {
    const query = new URLSearchParams({ resourceName, resourceType: TYPE.list, resourceMetadata: 'true' })
    const answer = await this.resolvers.ask('dereferencing', id, `?${query}`)
    if (answer === undefined) return []
    const { linkedResourceMetadata: all } = shaped(versions, answer).contentMetadata
    must(
      all.every((one) => isOf(one, id)),
      'has versions of another DID',
    )
    return all.filter((one) => one.resourceName === resourceName && one.resourceType === TYPE.list)
  }
}

/**
 * The version that was the last one at a time. The ledger links each to the next, which tells those of one second apart,
 * and tells that one is kept back.
 */
function versionAt(all: Metadata[], timestamp: number): Metadata | undefined {
  const byId = new Map(all.map((one) => [one.resourceId, one]))
  return all
    .filter(({ created }) => created <= timestamp)
    .find(({ nextVersionId }) => {
      const next = nextVersionId ? byId.get(nextVersionId) : undefined
      must(!nextVersionId || next !== undefined, 'has a later version that is not told')
      return !next || next.created > timestamp
    })
}

const isOf = ({ resourceURI, resourceId, resourceCollectionId }: Metadata, { did }: CheqdId) =>
  resourceURI === `${did}/resources/${resourceId}` && did.endsWith(`:${resourceCollectionId}`)

function shaped<T>(shape: z.ZodType<T>, answer: unknown): T {
  const { success, data, error } = shape.safeParse(answer)
  if (success) return data
  throw new InvalidAnswer('A resource has another shape', { cause: error })
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new InvalidAnswer(`A resource ${what}`)
}
