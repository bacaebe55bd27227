import type { DidCommPresentationV1Preview } from '@credo-ts/anoncreds'

interface Asked {
  name?: string
  names?: string[]
  restrictions?: { cred_def_id: string }[]
}

/**
 * The request that a proposal of present proof 1.0 (Aries RFC 0037) asks for: attributes of one referent are to be of one
 * credential, and what names a definition is to be of that.
 */
export function requestOfPreview({
  attributes,
  predicates,
}: Pick<DidCommPresentationV1Preview, 'attributes' | 'predicates'>) {
  const asked: Record<string, Asked> = Object.create(null)
  for (const { name, referent = freeIn(asked, name), credentialDefinitionId: id } of attributes) {
    const known = asked[referent]
    const restrictions = known?.restrictions ?? (id === undefined ? undefined : [{ cred_def_id: id }])
    const names = [...(known?.names ?? (known?.name === undefined ? [] : [known.name])), name]
    asked[referent] = { ...(known ? { names } : { name }), ...(restrictions && { restrictions }) }
  }
  const wanted: Record<string, object> = Object.create(null)
  for (const { name, predicate, threshold, credentialDefinitionId: id } of predicates)
    wanted[freeIn(wanted, name)] = {
      name,
      p_type: predicate,
      p_value: Number(threshold),
      ...(id !== undefined && { restrictions: [{ cred_def_id: id }] }),
    }
  return { name: 'Proof', version: '1.0', requested_attributes: { ...asked }, requested_predicates: { ...wanted } }
}

/** A referent by a name that nothing else has. */
function freeIn(taken: Record<string, unknown>, name: string): string {
  let referent = name
  for (let n = 2; referent in taken; n++) referent = `${name} ${n}`
  return referent
}
