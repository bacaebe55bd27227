import type { AnonCredsCredential, AnonCredsCredentialProve } from '@credo-ts/anoncreds'
import type { Calls, NonRevocation, PresentedCredential, Processing, W3cDetails, W3cJson } from '../calls.js'
import type { CredentialEntry, CredentialProve, List, ObjectHandle } from '../koffi/functions.js'
import { listOf, type Objects, text, texts } from '../koffi/objects.js'
import { readById } from './by-id.js'
import type { Implementation } from './implementation.js'

type HolderCalls =
  | 'createLinkSecret'
  | 'createCredentialRequest'
  | 'legacyToW3c'
  | 'w3cToLegacy'
  | 'readW3c'
  | 'createPresentation'
  | 'createW3cPresentation'

/** The version of the W3C data model that credentials are kept in. */
const W3C_VERSION = '1.1'
const NO_TIME = -1
const NONE: ObjectHandle = 0

export const holderCalls: Implementation<Pick<Calls, HolderCalls>> = {
  createLinkSecret: (objects) => objects.text((out) => objects.functions.anoncreds_create_link_secret(out)),

  createCredentialRequest(objects, { offer, definition, linkSecret, linkSecretId, proverDid }) {
    const inputs = {
      definition: objects.read('credential_definition', definition),
      offer: objects.read('credential_offer', offer),
    }
    const entropy = proverDid ? null : objects.text((out) => objects.functions.anoncreds_generate_nonce(out))
    const [request = NONE, metadata = NONE] = objects.makeAll(2, ([first, second]) =>
      objects.functions.anoncreds_create_credential_request(
        entropy,
        text(proverDid),
        inputs.definition,
        text(linkSecret),
        text(linkSecretId),
        inputs.offer,
        first!,
        second!,
      ),
    )
    return { credentialRequest: objects.json(request), credentialRequestMetadata: objects.json(metadata) }
  },

  legacyToW3c(objects, { credential, issuerId, processing }) {
    const legacy = objects.read('credential', credential)
    const w3c = objects.make((out) =>
      objects.functions.anoncreds_credential_to_w3c(legacy, text(issuerId), W3C_VERSION, out),
    )
    return objects.json<W3cJson>(processing ? process(objects, w3c, processing) : w3c)
  },

  w3cToLegacy: (objects, { credential }) => objects.json(legacyOf(objects, credential)),

  readW3c: (objects, { credential }) => detailsOf(objects, objects.read('w3c_credential', credential)),

  createPresentation(objects, { request, credentials, proves, linkSecret, schemas, definitions, selfAttested }) {
    const inputs = {
      request: objects.read('presentation_request', request),
      credentials: listOf(credentials.map((presented) => entryOf(objects, presented, readLegacy(objects, presented)))),
      schemas: readById(objects, 'schema', schemas),
      definitions: readById(objects, 'credential_definition', definitions),
    }
    return objects.json(
      objects.make((out) =>
        objects.functions.anoncreds_create_presentation(
          inputs.request,
          inputs.credentials,
          provesOf(proves),
          texts(Object.keys(selfAttested)),
          texts(Object.values(selfAttested)),
          text(linkSecret),
          inputs.schemas.objects,
          inputs.schemas.ids,
          inputs.definitions.objects,
          inputs.definitions.ids,
          out,
        ),
      ),
    )
  },

  createW3cPresentation(objects, { request, credentials, proves, linkSecret, schemas, definitions }) {
    const inputs = {
      request: objects.read('presentation_request', request),
      credentials: listOf(
        credentials.map((presented) =>
          entryOf(objects, presented, objects.read('w3c_credential', presented.credential)),
        ),
      ),
      schemas: readById(objects, 'schema', schemas),
      definitions: readById(objects, 'credential_definition', definitions),
    }
    return objects.json<W3cJson>(
      objects.make((out) =>
        objects.functions.anoncreds_create_w3c_presentation(
          inputs.request,
          inputs.credentials,
          provesOf(proves),
          text(linkSecret),
          inputs.schemas.objects,
          inputs.schemas.ids,
          inputs.definitions.objects,
          inputs.definitions.ids,
          null,
          out,
        ),
      ),
    )
  },
}

/** Checks the credential's signature and puts in what only the holder knows. */
function process(objects: Objects, credential: ObjectHandle, processing: Processing): ObjectHandle {
  const { requestMetadata, linkSecret, definition, registry } = processing
  const inputs = {
    metadata: objects.read('credential_request_metadata', requestMetadata),
    definition: objects.read('credential_definition', definition),
    registry: registry ? objects.read('revocation_registry_definition', registry) : NONE,
  }
  return objects.make((out) =>
    objects.functions.anoncreds_process_w3c_credential(
      credential,
      inputs.metadata,
      text(linkSecret),
      inputs.definition,
      inputs.registry,
      out,
    ),
  )
}

function legacyOf(objects: Objects, credential: W3cJson): ObjectHandle {
  const w3c = objects.read('w3c_credential', credential)
  return objects.make((out) => objects.functions.anoncreds_credential_from_w3c(w3c, out))
}

function detailsOf(objects: Objects, w3c: ObjectHandle): W3cDetails {
  const proof = objects.make((out) => objects.functions.anoncreds_w3c_credential_get_integrity_proof_details(w3c, out))
  const attribute = (name: string) =>
    objects.text((out) => objects.functions.anoncreds_w3c_credential_proof_get_attribute(proof, name, out))
  const registryId = attribute('rev_reg_id')
  const index = attribute('rev_reg_index')
  const timestamp = attribute('timestamp')
  return {
    schemaId: attribute('schema_id'),
    credentialDefinitionId: attribute('cred_def_id'),
    ...(registryId && { revocationRegistryId: registryId }),
    ...(index && { revocationRegistryIndex: Number(index) }),
    ...(timestamp && { timestamp: Number(timestamp) }),
  }
}

/** A credential in the AnonCreds form, by the identifiers that the proof uses. */
function readLegacy(objects: Objects, { credential, legacy, identifiers }: PresentedCredential): ObjectHandle {
  if (!legacy && !identifiers) return legacyOf(objects, credential as W3cJson)
  const found = legacy
    ? (credential as AnonCredsCredential)
    : objects.json<AnonCredsCredential>(legacyOf(objects, credential as W3cJson))
  return objects.read('credential', { ...found, ...identifiers })
}

function entryOf(objects: Objects, presented: PresentedCredential, credential: ObjectHandle): CredentialEntry {
  const { timestamp = NO_TIME, nonRevocation } = presented
  return { credential, timestamp, rev_state: nonRevocation ? stateOf(objects, nonRevocation) : NONE }
}

function stateOf(objects: Objects, { definition, statusList, index, tailsPath }: NonRevocation): ObjectHandle {
  const registry = objects.read('revocation_registry_definition', definition)
  const list = objects.read('revocation_status_list', statusList)
  return objects.make((out) =>
    objects.functions.anoncreds_create_or_update_revocation_state(
      registry,
      list,
      index,
      text(tailsPath),
      NONE,
      NONE,
      out,
    ),
  )
}

function provesOf(proves: AnonCredsCredentialProve[]): List<CredentialProve> {
  return listOf(
    proves.map(({ entryIndex, referent, isPredicate, reveal }) => ({
      entry_idx: entryIndex,
      referent: text(referent) ?? '',
      is_predicate: isPredicate ? 1 : 0,
      reveal: reveal ? 1 : 0,
    })),
  )
}
