import type { Askar, EntryListHandle } from '@openwallet-foundation/askar-shared'
import koffi from 'koffi'
import type { EntryReader, StoredEntry } from '../entries.js'
import type { Pointer } from './functions.js'
import { address } from './marshal.js'
import type { Native } from './native.js'
import { takeText } from './native-library.js'

type EntryMethods = Pick<
  Askar,
  | 'entryListCount'
  | 'entryListFree'
  | 'entryListGetCategory'
  | 'entryListGetName'
  | 'entryListGetTags'
  | 'entryListGetValue'
  | 'keyEntryListCount'
  | 'keyEntryListFree'
  | 'keyEntryListGetAlgorithm'
  | 'keyEntryListGetMetadata'
  | 'keyEntryListGetName'
  | 'keyEntryListGetTags'
  | 'keyEntryListLoadLocal'
> &
  EntryReader

/** Lists of records and of keys, as fetches and scans give them. */
export function entryMethods({ functions, results, ownership, check }: Native): EntryMethods {
  const place = new BigUint64Array(1)
  const struct = new BigInt64Array(2)

  const takePlaced = (code: number): string => {
    check(code)
    return takeText(functions, place[0]) ?? ''
  }
  const takeValue = (code: number): string => {
    check(code)
    const [len = 0n, data = 0n] = struct
    const buffer = { len: Number(len), data }
    try {
      return buffer.len > 0 ? koffi.decode.string(data, buffer.len) : ''
    } finally {
      functions.askar_buffer_free(buffer)
    }
  }
  const readEntry = (list: Pointer, index: number): StoredEntry => {
    const category = takePlaced(functions.askar_entry_list_get_category(list, index, place))
    const name = takePlaced(functions.askar_entry_list_get_name(list, index, place))
    const value = takeValue(functions.askar_entry_list_get_value(list, index, struct))
    const tags = takePlaced(functions.askar_entry_list_get_tags(list, index, place))
    return { category, name, value, tags: tags === '' ? {} : (JSON.parse(tags) as StoredEntry['tags']) }
  }
  const entryListCount = (entryListHandle: EntryListHandle): number =>
    results.int32((out) => functions.askar_entry_list_count(address(entryListHandle), out))

  return {
    readEntry: (handle) => readEntry(address(handle), 0),
    readValue: (handle) => takeValue(functions.askar_entry_list_get_value(address(handle), 0, struct)),
    readEntries(handle) {
      const list = address(handle)
      return Array.from({ length: entryListCount(handle) }, (_, index) => readEntry(list, index))
    },

    entryListCount: ({ entryListHandle }) => entryListCount(entryListHandle),
    entryListFree: ({ entryListHandle }) => ownership.freeEntryList(entryListHandle),
    entryListGetCategory: ({ entryListHandle, index }) =>
      results.text((out) => functions.askar_entry_list_get_category(address(entryListHandle), index, out)),
    entryListGetName: ({ entryListHandle, index }) =>
      results.text((out) => functions.askar_entry_list_get_name(address(entryListHandle), index, out)),
    entryListGetTags: ({ entryListHandle, index }) =>
      results.textOrNull((out) => functions.askar_entry_list_get_tags(address(entryListHandle), index, out)),
    entryListGetValue: ({ entryListHandle, index }) =>
      results.bytes((out) => functions.askar_entry_list_get_value(address(entryListHandle), index, out)),

    keyEntryListCount: ({ keyEntryListHandle }) =>
      results.int32((out) => functions.askar_key_entry_list_count(address(keyEntryListHandle), out)),
    keyEntryListFree: ({ keyEntryListHandle }) => ownership.freeKeyEntryList(keyEntryListHandle),
    keyEntryListGetAlgorithm: ({ keyEntryListHandle, index }) =>
      results.text((out) => functions.askar_key_entry_list_get_algorithm(address(keyEntryListHandle), index, out)),
    keyEntryListGetMetadata: ({ keyEntryListHandle, index }) =>
      results.textOrNull((out) => functions.askar_key_entry_list_get_metadata(address(keyEntryListHandle), index, out)),
    keyEntryListGetName: ({ keyEntryListHandle, index }) =>
      results.text((out) => functions.askar_key_entry_list_get_name(address(keyEntryListHandle), index, out)),
    keyEntryListGetTags: ({ keyEntryListHandle, index }) =>
      results.textOrNull((out) => functions.askar_key_entry_list_get_tags(address(keyEntryListHandle), index, out)),
    keyEntryListLoadLocal: ({ keyEntryListHandle, index }) =>
      ownership.key(
        results.pointer((out) => functions.askar_key_entry_list_load_local(address(keyEntryListHandle), index, out)),
      ),
  }
}
