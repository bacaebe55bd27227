import type { Askar, EntryListHandle } from '@openwallet-foundation/askar-shared'
import type { SessionLeaver } from '../sessions.js'
import { shared } from '../shared.js'
import type { Pointer } from './functions.js'
import { address, bytes, flag, json, limit, text } from './marshal.js'
import type { Native } from './native.js'

type SessionMethods = Pick<
  Askar,
  | 'sessionStart'
  | 'sessionClose'
  | 'sessionCount'
  | 'sessionFetch'
  | 'sessionFetchAll'
  | 'sessionUpdate'
  | 'sessionRemoveAll'
  | 'sessionFetchKey'
  | 'sessionFetchAllKeys'
  | 'sessionInsertKey'
  | 'sessionUpdateKey'
  | 'sessionRemoveKey'
  | 'scanStart'
  | 'scanNext'
  | 'scanFree'
> &
  SessionLeaver

/** No callback. */
const NONE: Pointer = 0n

/** Sessions, transactions and scans. */
export function sessionMethods(native: Native): SessionMethods {
  return { ...recordMethods(native), ...storedKeyMethods(native), ...scanMethods(native) }
}

function recordMethods({ functions, completions, ownership, check }: Native) {
  return {
    sessionStart: async ({ storeHandle, profile, asTransaction }) =>
      new shared.SessionHandle(
        await completions.handle((cb, id) =>
          functions.askar_session_start(storeHandle.handle, text(profile), flag(asTransaction), cb, id),
        ),
      ),
    sessionClose: ({ sessionHandle, commit }) =>
      completions.nothing((cb, id) => functions.askar_session_close(sessionHandle.handle, flag(commit), cb, id)),
    leaveSession: (session) => check(functions.askar_session_close(session, flag(false), NONE, 0)),

    sessionCount: ({ sessionHandle, category, tagFilter }) =>
      completions.int64((cb, id) =>
        functions.askar_session_count(sessionHandle.handle, text(category), json(tagFilter), cb, id),
      ),
    sessionFetch: async ({ sessionHandle, category, name, forUpdate }) =>
      ownership.entryList(
        await completions.pointer((cb, id) =>
          functions.askar_session_fetch(sessionHandle.handle, text(category), text(name), flag(forUpdate), cb, id),
        ),
      ),
    sessionFetchAll: async ({ sessionHandle, category, tagFilter, limit: most, orderBy, descending, forUpdate }) =>
      ownership.entryList(
        await completions.pointer((cb, id) =>
          functions.askar_session_fetch_all(
            sessionHandle.handle,
            text(category),
            json(tagFilter),
            limit(most),
            text(orderBy),
            flag(descending),
            flag(forUpdate),
            cb,
            id,
          ),
        ),
      ),
    sessionUpdate: ({ sessionHandle, operation, category, name, value, tags, expiryMs }) =>
      completions.nothing((cb, id) =>
        functions.askar_session_update(
          sessionHandle.handle,
          operation,
          text(category),
          text(name),
          bytes(value),
          json(tags),
          limit(expiryMs),
          cb,
          id,
        ),
      ),
    sessionRemoveAll: ({ sessionHandle, category, tagFilter }) =>
      completions.int64((cb, id) =>
        functions.askar_session_remove_all(sessionHandle.handle, text(category), json(tagFilter), cb, id),
      ),
  } satisfies Partial<SessionMethods>
}

function storedKeyMethods({ functions, completions, ownership }: Native) {
  return {
    sessionFetchKey: async ({ sessionHandle, name, forUpdate }) =>
      ownership.keyEntryList(
        await completions.pointer((cb, id) =>
          functions.askar_session_fetch_key(sessionHandle.handle, text(name), flag(forUpdate), cb, id),
        ),
      ),
    sessionFetchAllKeys: async ({ sessionHandle, algorithm, thumbprint, tagFilter, limit: most, forUpdate }) =>
      ownership.keyEntryList(
        await completions.pointer((cb, id) =>
          functions.askar_session_fetch_all_keys(
            sessionHandle.handle,
            text(algorithm),
            text(thumbprint),
            json(tagFilter),
            limit(most),
            flag(forUpdate),
            cb,
            id,
          ),
        ),
      ),
    sessionInsertKey: ({ sessionHandle, localKeyHandle, name, metadata, tags, expiryMs }) =>
      completions.nothing((cb, id) =>
        functions.askar_session_insert_key(
          sessionHandle.handle,
          address(localKeyHandle),
          text(name),
          text(metadata),
          json(tags),
          limit(expiryMs),
          cb,
          id,
        ),
      ),
    sessionUpdateKey: ({ sessionHandle, name, metadata, tags, expiryMs }) =>
      completions.nothing((cb, id) =>
        functions.askar_session_update_key(
          sessionHandle.handle,
          text(name),
          text(metadata),
          json(tags),
          limit(expiryMs),
          cb,
          id,
        ),
      ),
    sessionRemoveKey: ({ sessionHandle, name }) =>
      completions.nothing((cb, id) => functions.askar_session_remove_key(sessionHandle.handle, text(name), cb, id)),
  } satisfies Partial<SessionMethods>
}

function scanMethods({ functions, completions, ownership, check }: Native) {
  // askar-shared's Scan reads a page and forgets its handle, so a page lives until the next one, or the scan's end.
  const pages = new Map<number, EntryListHandle>()
  const turnPage = (scan: number, next: EntryListHandle | null) => {
    const last = pages.get(scan)
    if (last) ownership.freeEntryList(last)
    if (next) pages.set(scan, next)
    else pages.delete(scan)
  }

  return {
    scanStart: async ({ storeHandle, profile, category, tagFilter, offset, limit: most, orderBy, descending }) =>
      new shared.ScanHandle(
        await completions.handle((cb, id) =>
          functions.askar_scan_start(
            storeHandle.handle,
            text(profile),
            text(category),
            json(tagFilter),
            offset ?? 0,
            limit(most),
            text(orderBy),
            flag(descending),
            cb,
            id,
          ),
        ),
      ),
    async scanNext({ scanHandle }) {
      const page = ownership.entryList(
        await completions.pointer((cb, id) => functions.askar_scan_next(scanHandle.handle, cb, id)),
      )
      turnPage(scanHandle.handle, page)
      return page
    },
    scanFree({ scanHandle }) {
      turnPage(scanHandle.handle, null)
      check(functions.askar_scan_free(scanHandle.handle))
    },
  } satisfies Partial<SessionMethods>
}
