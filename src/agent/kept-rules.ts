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
  const key = JSON.stringify(how)
  const known = kept.get(target)?.get(key)
  if (known) return known
  const rules = gather(target, ...how)
  kept.set(target, new Map(kept.get(target)).set(key, rules))
  return rules
}
