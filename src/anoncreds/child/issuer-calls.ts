import type { AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import type { Calls, RevocationOfCredential } from '../calls.js'
import type { RevocationConfiguration } from '../koffi/functions.js'
import { listOf, type Objects, text, texts } from '../koffi/objects.js'
import type { Implementation } from './implementation.js'

type IssuerCalls =
  | 'createSchema'
  | 'createCredentialDefinition'
  | 'createRevocationRegistryDefinition'
  | 'createRevocationStatusList'
  | 'updateRevocationStatusList'
  | 'createCredentialOffer'
  | 'createCredential'

/** -1 leaves a time out. */
const NO_TIME = -1

export const issuerCalls: Implementation<Pick<Calls, IssuerCalls>> = {
  createSchema: (objects, { issuerId, name, version, attributeNames }) =>
    objects.json(
      objects.make((out) =>
        objects.functions.anoncreds_create_schema(
          text(name),
          text(version),
          text(issuerId),
          texts(attributeNames),
          out,
        ),
      ),
    ),

  createCredentialDefinition(objects, { schema, schemaId, issuerId, tag, supportRevocation }) {
    const source = objects.read('schema', schema)
    const [definition = 0, definitionPrivate = 0, proof = 0] = objects.makeAll(3, ([first, second, third]) =>
      objects.functions.anoncreds_create_credential_definition(
        text(schemaId),
        source,
        text(tag),
        text(issuerId),
        'CL',
        supportRevocation ? 1 : 0,
        first!,
        second!,
        third!,
      ),
    )
    return {
      credentialDefinition: objects.json(definition),
      credentialDefinitionPrivate: objects.json(definitionPrivate),
      keyCorrectnessProof: objects.json(proof),
    }
  },

  createRevocationRegistryDefinition(objects, { definition, definitionId, issuerId, tag, size, tailsFolder }) {
    const source = objects.read('credential_definition', definition)
    const [registry = 0, registryPrivate = 0] = objects.makeAll(2, ([first, second]) =>
      objects.functions.anoncreds_create_revocation_registry_def(
        source,
        text(definitionId),
        text(issuerId),
        text(tag),
        'CL_ACCUM',
        size,
        text(tailsFolder),
        first!,
        second!,
      ),
    )
    return {
      revocationRegistryDefinition: objects.json(registry),
      revocationRegistryDefinitionPrivate: objects.json(registryPrivate),
    }
  },

  createRevocationStatusList(objects, { definition, registryId, registry, registryPrivate, issuerId, timestamp }) {
    const inputs = {
      definition: objects.read('credential_definition', definition),
      registry: objects.read('revocation_registry_definition', registry),
      registryPrivate: objects.read('revocation_registry_definition_private', registryPrivate),
    }
    return objects.json(
      objects.make((out) =>
        objects.functions.anoncreds_create_revocation_status_list(
          inputs.definition,
          text(registryId),
          inputs.registry,
          inputs.registryPrivate,
          text(issuerId),
          1,
          timestamp ?? NO_TIME,
          out,
        ),
      ),
    )
  },

  updateRevocationStatusList(objects, { statusList, timestamp, change }) {
    const current = objects.read('revocation_status_list', statusList)
    if (!change) {
      return objects.json<AnonCredsRevocationStatusList>(
        objects.make((out) =>
          objects.functions.anoncreds_update_revocation_status_list_timestamp_only(timestamp ?? NO_TIME, current, out),
        ),
      )
    }
    const inputs = {
      definition: objects.read('credential_definition', change.definition),
      registry: objects.read('revocation_registry_definition', change.registry),
      registryPrivate: objects.read('revocation_registry_definition_private', change.registryPrivate),
    }
    return objects.json(
      objects.make((out) =>
        objects.functions.anoncreds_update_revocation_status_list(
          inputs.definition,
          inputs.registry,
          inputs.registryPrivate,
          current,
          listOf(change.issued),
          listOf(change.revoked),
          timestamp ?? NO_TIME,
          out,
        ),
      ),
    )
  },

  createCredentialOffer(objects, { schemaId, definitionId, keyCorrectnessProof }) {
    const proof = objects.read('key_correctness_proof', keyCorrectnessProof)
    return objects.json(
      objects.make((out) =>
        objects.functions.anoncreds_create_credential_offer(text(schemaId), text(definitionId), proof, out),
      ),
    )
  },

  createCredential(objects, { definition, definitionPrivate, offer, request, raw, encoded, revocation }) {
    const names = Object.keys(raw)
    const inputs = {
      definition: objects.read('credential_definition', definition),
      definitionPrivate: objects.read('credential_definition_private', definitionPrivate),
      offer: objects.read('credential_offer', offer),
      request: objects.read('credential_request', request),
      revocation: revocation ? readRevocation(objects, revocation) : null,
    }
    return objects.json(
      objects.make((out) =>
        objects.functions.anoncreds_create_credential(
          inputs.definition,
          inputs.definitionPrivate,
          inputs.offer,
          inputs.request,
          texts(names),
          texts(names.map((name) => raw[name] ?? '')),
          texts(names.map((name) => encoded[name] ?? '')),
          inputs.revocation,
          out,
        ),
      ),
    )
  },
}

function readRevocation(objects: Objects, revocation: RevocationOfCredential): RevocationConfiguration {
  return {
    reg_def: objects.read('revocation_registry_definition', revocation.definition),
    reg_def_private: objects.read('revocation_registry_definition_private', revocation.definitionPrivate),
    status_list: objects.read('revocation_status_list', revocation.statusList),
    reg_idx: revocation.index,
  }
}
