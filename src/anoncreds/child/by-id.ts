import type { List, ObjectHandle } from '../koffi/functions.js'
import { listOf, type Objects, type ObjectType, texts } from '../koffi/objects.js'

/** Reads objects that are known by their ids, as two lists of one order. */
export function readById(
  objects: Objects,
  type: ObjectType,
  values: Record<string, object>,
): { ids: List<string>; objects: List<ObjectHandle> } {
  return {
    ids: texts(Object.keys(values)),
    objects: listOf(Object.values(values).map((value) => objects.read(type, value))),
  }
}
