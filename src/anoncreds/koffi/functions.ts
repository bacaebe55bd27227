/**
 * Every function of the native library that is called, with its C types, from `libanoncreds.h` of 0.2.3. All give an
 * error code, 0 for success, but those in `plain`.
 *
 * - `object`: `ObjectHandle`, a number; 0 is none
 * - `text`: `FfiStr`, NUL-terminated UTF-8; null where optional
 * - `bytes`: `ByteBuffer` by value
 * - `texts`, `objects`, `indexes` …: `FfiList` of them by value
 * - `out`: a place that the function writes its result to
 */
export const signatures = {
  anoncreds_get_current_error: ['out'],
  anoncreds_object_get_json: ['object', 'out'],
  anoncreds_generate_nonce: ['out'],

  anoncreds_schema_from_json: ['bytes', 'out'],
  anoncreds_credential_definition_from_json: ['bytes', 'out'],
  anoncreds_credential_definition_private_from_json: ['bytes', 'out'],
  anoncreds_key_correctness_proof_from_json: ['bytes', 'out'],
  anoncreds_revocation_registry_definition_from_json: ['bytes', 'out'],
  anoncreds_revocation_registry_definition_private_from_json: ['bytes', 'out'],
  anoncreds_revocation_status_list_from_json: ['bytes', 'out'],
  anoncreds_credential_offer_from_json: ['bytes', 'out'],
  anoncreds_credential_request_from_json: ['bytes', 'out'],
  anoncreds_credential_request_metadata_from_json: ['bytes', 'out'],
  anoncreds_credential_from_json: ['bytes', 'out'],
  anoncreds_w3c_credential_from_json: ['bytes', 'out'],
  anoncreds_presentation_request_from_json: ['bytes', 'out'],
  anoncreds_presentation_from_json: ['bytes', 'out'],
  anoncreds_w3c_presentation_from_json: ['bytes', 'out'],

  anoncreds_create_schema: ['text', 'text', 'text', 'texts', 'out'],
  anoncreds_create_credential_definition: ['text', 'object', 'text', 'text', 'text', 'flag', 'out', 'out', 'out'],
  anoncreds_create_revocation_registry_def: ['object', 'text', 'text', 'text', 'text', 'number', 'text', 'out', 'out'],
  anoncreds_create_revocation_status_list: ['object', 'text', 'object', 'object', 'text', 'flag', 'number', 'out'],
  anoncreds_update_revocation_status_list: [
    'object',
    'object',
    'object',
    'object',
    'indexes',
    'indexes',
    'number',
    'out',
  ],
  anoncreds_update_revocation_status_list_timestamp_only: ['number', 'object', 'out'],
  anoncreds_create_credential_offer: ['text', 'text', 'object', 'out'],
  anoncreds_create_credential: ['object', 'object', 'object', 'object', 'texts', 'texts', 'texts', 'revocation', 'out'],

  anoncreds_create_link_secret: ['out'],
  anoncreds_create_credential_request: ['text', 'text', 'object', 'text', 'text', 'object', 'out', 'out'],
  anoncreds_credential_to_w3c: ['object', 'text', 'text', 'out'],
  anoncreds_credential_from_w3c: ['object', 'out'],
  anoncreds_process_w3c_credential: ['object', 'object', 'text', 'object', 'object', 'out'],
  anoncreds_w3c_credential_get_integrity_proof_details: ['object', 'out'],
  anoncreds_w3c_credential_proof_get_attribute: ['object', 'text', 'out'],
  anoncreds_create_or_update_revocation_state: ['object', 'object', 'number', 'text', 'object', 'object', 'out'],
  anoncreds_create_presentation: [
    'object',
    'credentials',
    'proves',
    'texts',
    'texts',
    'text',
    'objects',
    'texts',
    'objects',
    'texts',
    'out',
  ],
  anoncreds_create_w3c_presentation: [
    'object',
    'credentials',
    'proves',
    'text',
    'objects',
    'texts',
    'objects',
    'texts',
    'text',
    'out',
  ],

  anoncreds_verify_presentation: [
    'object',
    'object',
    'objects',
    'texts',
    'objects',
    'texts',
    'objects',
    'texts',
    'objects',
    'overrides',
    'out',
  ],
  anoncreds_verify_w3c_presentation: [
    'object',
    'object',
    'objects',
    'texts',
    'objects',
    'texts',
    'objects',
    'texts',
    'objects',
    'overrides',
    'out',
  ],
} as const satisfies Record<string, readonly NativeType[]>

/** Handle of an object within the library. */
export type ObjectHandle = number

/** `FfiList`: lent for the length of one call. */
export interface List<Item> {
  count: number
  data: readonly Item[] | null
}

/** `FfiCredRevInfo` */
export interface RevocationConfiguration {
  reg_def: ObjectHandle
  reg_def_private: ObjectHandle
  status_list: ObjectHandle
  reg_idx: number
}

/** `FfiCredentialEntry`; a timestamp of -1 is none. */
export interface CredentialEntry {
  credential: ObjectHandle
  timestamp: number
  rev_state: ObjectHandle
}

/** `FfiCredentialProve` */
export interface CredentialProve {
  entry_idx: number
  referent: string
  is_predicate: number
  reveal: number
}

/** `FfiNonrevokedIntervalOverride` */
export interface IntervalOverride {
  rev_reg_def_id: string
  requested_from_ts: number
  override_rev_status_list_ts: number
}

interface NativeTypes {
  flag: number
  number: number
  text: string | null
  object: ObjectHandle
  bytes: { len: number; data: Uint8Array }
  texts: List<string>
  objects: List<ObjectHandle>
  indexes: List<number>
  credentials: List<CredentialEntry>
  proves: List<CredentialProve>
  overrides: List<IntervalOverride>
  revocation: RevocationConfiguration | null
  out: NodeJS.ArrayBufferView
}

export type NativeType = keyof NativeTypes

type Arguments<Types extends readonly NativeType[]> = { [Index in keyof Types]: NativeTypes[Types[Index]] }

/** The library's functions under their C names, typed by the table. */
export type NativeFunctions = {
  readonly [Name in keyof typeof signatures]: (...args: Arguments<(typeof signatures)[Name]>) => number
} & {
  anoncreds_string_free(address: bigint): void
  anoncreds_buffer_free(buffer: { len: number; data: bigint }): void
  anoncreds_object_free(handle: ObjectHandle): void
}
