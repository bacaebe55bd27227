import { ATTRIBUTES_MAX } from '../../anoncreds/index.js'

/** Whether these can be the attributes of a schema: of how many there are the library takes the longer for a definition. */
export const areAttributeNames = (names: unknown): names is string[] =>
  Array.isArray(names) &&
  names.length > 0 &&
  names.length <= ATTRIBUTES_MAX &&
  names.every((name) => typeof name === 'string')
