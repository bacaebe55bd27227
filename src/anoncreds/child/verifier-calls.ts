import type { Args, Calls } from '../calls.js'
import { listOf, type Objects, text } from '../koffi/objects.js'
import { readById } from './by-id.js'
import type { Implementation } from './implementation.js'

type VerifierCalls = 'verifyPresentation' | 'verifyW3cPresentation'

export const verifierCalls: Implementation<Pick<Calls, VerifierCalls>> = {
  verifyPresentation(objects, args) {
    const presentation = objects.read('presentation', args.proof)
    const inputs = inputsOf(objects, args)
    return objects.flag((out) => objects.functions.anoncreds_verify_presentation(presentation, ...inputs, out))
  },

  verifyW3cPresentation(objects, args) {
    const presentation = objects.read('w3c_presentation', args.presentation)
    const inputs = inputsOf(objects, args)
    return objects.flag((out) => objects.functions.anoncreds_verify_w3c_presentation(presentation, ...inputs, out))
  },
}

/** What both are checked against, in the order of the native arguments. */
function inputsOf(objects: Objects, args: Omit<Args<'verifyPresentation'>, 'proof'>) {
  const request = objects.read('presentation_request', args.request)
  const schemas = readById(objects, 'schema', args.schemas)
  const definitions = readById(objects, 'credential_definition', args.definitions)
  const registries = readById(objects, 'revocation_registry_definition', args.registries)
  const lists = listOf(args.statusLists.map((list) => objects.read('revocation_status_list', list)))
  const overrides = listOf(
    (args.overrides ?? []).map((override) => ({
      rev_reg_def_id: text(override.revocationRegistryDefinitionId) ?? '',
      requested_from_ts: override.requestedFromTimestamp,
      override_rev_status_list_ts: override.overrideRevocationStatusListTimestamp,
    })),
  )
  return [
    request,
    schemas.objects,
    schemas.ids,
    definitions.objects,
    definitions.ids,
    registries.objects,
    registries.ids,
    lists,
    overrides,
  ] as const
}
