import type { Listed } from '../storage/list.js'
import { fitting, listCursor, type Page, type PageArgs, pageOf, pageRequest } from './page.js'

/** A page of the numbered list `list`: `read` gets what to look for, `view` makes a node of what it found. */
export async function listPage<T>(
  args: PageArgs,
  list: string,
  read: (query: { limit: number; reverse: boolean; after?: number; before?: number }) => Promise<Listed[]>,
  view: (listed: Listed) => T,
): Promise<Page<T>> {
  const cursors = listCursor(list)
  const request = pageRequest(args, cursors.decode)
  const found = await read({ ...request, limit: request.limit + 1 })
  const limit = fitting(found, request.limit, ({ entry }) => entry.value.length)
  return pageOf({ ...request, limit }, found, (listed) => ({ node: view(listed), cursor: cursors.encode(listed.n) }))
}
