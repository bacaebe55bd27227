import { listCursor, type Page, type PageArgs, pageRequest } from './page.js'

/** The page of a list that cannot have anything in it yet. @throws BAD_USER_INPUT for arguments that no list takes */
export function emptyPage<T>(args: PageArgs): Page<T> {
  pageRequest(args, listCursor('').decode)
  const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }
  return { edges: [], nodes: [], pageInfo }
}
