import { getMetadataStorage } from 'class-validator'

const storage = getMetadataStorage()
const gather = storage.getTargetValidationMetadatas.bind(storage)
type Gather = typeof gather
const kept = new WeakMap<Parameters<Gather>[0], Map<string, ReturnType<Gather>>>()

/**
 * The rules of a class do not change once it is defined; class-validator gathers them anew for each object that it looks
 * at, through all that the class inherits from, which was most of what validating a message or a DID document costs.
 */
storage.getTargetValidationMetadatas = (target, ...how) => {
  const rules = kept.get(target) ?? new Map<string, ReturnType<Gather>>()
  kept.set(target, rules)
  const key = JSON.stringify(how)
  const found = rules.get(key) ?? gather(target, ...how)
  rules.set(key, found)
  return found
}
