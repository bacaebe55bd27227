import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql'
import { badInput } from '../lib/errors.js'

/** Arguments of every list, by the Relay cursor-connection spec. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description: 'How many from the start, 0 to 100; 20 without `last`. A page of long texts ends sooner.',
  })
  first?: number | null

  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  after?: string | null

  @Field(() => Int, { nullable: true, description: 'How many from the end, 0 to 100.' })
  last?: number | null

  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  before?: string | null
}

@ObjectType({ description: 'Where a page stands in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there is more after this page.' })
  hasNextPage!: boolean

  @Field(() => Boolean, { description: 'Whether there is more before this page.' })
  hasPreviousPage!: boolean

  @Field(() => String, { nullable: true, description: "The first edge's cursor." })
  startCursor!: string | null

  @Field(() => String, { nullable: true, description: "The last edge's cursor; `after` it comes the next page." })
  endCursor!: string | null
}

export interface Edge<T> {
  node: T
  cursor: string
}

export interface Page<T> {
  edges: Edge<T>[]
  nodes: T[]
  pageInfo: PageInfo
}

/** Makes the connection type of a node, and the edge type with it. */
export function pageType<T extends object>(nodeType: () => ClassType<T>, name: string): ClassType<Page<T>> {
  @ObjectType(`${name}Edge`, { description: 'A node with its place in the list.' })
  class EdgeType {
    @Field(() => nodeType(), { description: 'The thing itself.' })
    node!: T

    @Field(() => String, { description: 'Its place: give it as `after` or `before`.' })
    cursor!: string
  }

  @ObjectType(`${name}Connection`, { description: 'A page of a list, by the Relay cursor-connection spec.' })
  class PageType {
    @Field(() => [EdgeType], { description: 'The nodes with their cursors.' })
    edges!: EdgeType[]

    @Field(() => [nodeType()], { description: 'The nodes alone.' })
    nodes!: T[]

    @Field(() => PageInfo, { description: 'Where the page stands in the list.' })
    pageInfo!: PageInfo
  }
  return PageType
}

/** A page that was asked for, checked: `limit` from the start, or with `reverse` from the end. */
export interface PageRequest {
  limit: number
  reverse: boolean
  after?: number
  before?: number
}

/** @throws BAD_USER_INPUT for a size that is none, both sizes at once, or a cursor that is none */
export function pageRequest(args: PageArgs, decode: (cursor: string, field: string) => number): PageRequest {
  const { first, last, after, before } = args
  if (first != null && last != null) throw badInput('Give first or last, not both.', 'last')
  for (const [field, size] of Object.entries({ first, last })) {
    if (size != null && (size < 0 || size > 100)) throw badInput(`${field} must be from 0 to 100.`, field)
  }
  return {
    limit: last ?? first ?? 20,
    reverse: last != null,
    after: after == null ? undefined : decode(after, 'after'),
    before: before == null ? undefined : decode(before, 'before'),
  }
}

/** Of so many characters a page ends, whatever it has room for; it has one in any case. */
const PAGE_CHARS = 2 * 2 ** 20

/** How many of what was found go onto a page: no more than `limit`, and no more text than one answer should have. */
export function fitting<R>(found: readonly R[], limit: number, lengthOf: (row: R) => number): number {
  let chars = 0
  const tooLong = found.findIndex((row, index) => {
    chars += lengthOf(row)
    return index > 0 && chars > PAGE_CHARS
  })
  return tooLong === -1 ? limit : Math.min(tooLong, limit)
}

/** What was found for a page, in the direction that was asked for: one more than the page has room for, if there is more. */
export function pageOf<R, T>(
  { limit, reverse, after, before }: PageRequest,
  found: R[],
  edgeOf: (row: R) => Edge<T>,
  /** The cursor of a page without edges. */
  emptyCursor: string | null = null,
): Page<T> {
  const more = found.length > limit
  const rows = found.slice(0, limit)
  const edges = (reverse ? rows.reverse() : rows).map(edgeOf)
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: reverse ? before !== undefined : more,
      hasPreviousPage: reverse ? more : (after ?? 0) > 0,
      startCursor: edges[0]?.cursor ?? emptyCursor,
      endCursor: edges.at(-1)?.cursor ?? emptyCursor,
    },
  }
}

/** Cursors of a list that is numbered: see `storage/list.ts`. One of another list is refused. */
export function listCursor(list: string) {
  return {
    encode: (n: number) => Buffer.from(`l1:${list}:${n}`).toString('base64url'),
    decode(cursor: string, field: string): number {
      const [version, name, n] = Buffer.from(cursor, 'base64url').toString().split(':')
      if (version !== 'l1' || name !== list || !/^\d{1,15}$/.test(n ?? '')) {
        throw badInput('This is not a cursor of this list. Use one that it gave.', field)
      }
      return Number(n)
    },
  }
}
