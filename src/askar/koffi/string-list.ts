import type { Pointer } from './functions.js'
import type { Native } from './native.js'

/** Reads a list of strings that the library gave away, then frees it. */
export function takeStringList({ functions, results }: Native, list: Pointer): string[] {
  try {
    const count = results.int32((out) => functions.askar_string_list_count(list, out))
    return Array.from({ length: count }, (_, index) =>
      results.text((out) => functions.askar_string_list_get_item(list, index, out)),
    )
  } finally {
    functions.askar_string_list_free(list)
  }
}
