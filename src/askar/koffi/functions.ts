/**
 * Every function of the native library that is called, with its C types, from `libaries_askar.h` of 0.4.6. The first
 * element is the result, the rest are the arguments.
 *
 * - `code`: `ErrorCode`, int64; 0 is success
 * - `text`: `const char *`, NUL-terminated UTF-8; null where optional
 * - `bytes`: `ByteBuffer` and `SecretBuffer` by value
 * - `pointer`: an `ArcHandle`, or a place that the function writes its result to
 * - `handle`: the size_t of a store, session or scan
 * - `callback`, `id`: the completion callback and the int64 it is called back with
 */
export const signatures = {
  askar_version: ['pointer'],
  askar_string_free: ['void', 'pointer'],
  askar_buffer_free: ['void', 'bytes'],
  askar_get_current_error: ['code', 'pointer'],
  askar_clear_custom_logger: ['void'],
  askar_set_custom_logger: ['code', 'pointer', 'callback', 'pointer', 'pointer', 'int32'],
  askar_set_default_logger: ['code'],
  askar_set_max_log_level: ['code', 'int32'],

  askar_entry_list_count: ['code', 'pointer', 'pointer'],
  askar_entry_list_free: ['void', 'pointer'],
  askar_entry_list_get_category: ['code', 'pointer', 'int32', 'pointer'],
  askar_entry_list_get_name: ['code', 'pointer', 'int32', 'pointer'],
  askar_entry_list_get_tags: ['code', 'pointer', 'int32', 'pointer'],
  askar_entry_list_get_value: ['code', 'pointer', 'int32', 'pointer'],
  askar_key_entry_list_count: ['code', 'pointer', 'pointer'],
  askar_key_entry_list_free: ['void', 'pointer'],
  askar_key_entry_list_get_algorithm: ['code', 'pointer', 'int32', 'pointer'],
  askar_key_entry_list_get_metadata: ['code', 'pointer', 'int32', 'pointer'],
  askar_key_entry_list_get_name: ['code', 'pointer', 'int32', 'pointer'],
  askar_key_entry_list_get_tags: ['code', 'pointer', 'int32', 'pointer'],
  askar_key_entry_list_load_local: ['code', 'pointer', 'int32', 'pointer'],
  askar_string_list_count: ['code', 'pointer', 'pointer'],
  askar_string_list_free: ['void', 'pointer'],
  askar_string_list_get_item: ['code', 'pointer', 'int32', 'pointer'],

  askar_key_free: ['void', 'pointer'],
  askar_key_generate: ['code', 'text', 'text', 'int8', 'pointer'],
  askar_key_from_seed: ['code', 'text', 'bytes', 'text', 'pointer'],
  askar_key_from_jwk: ['code', 'bytes', 'pointer'],
  askar_key_from_public_bytes: ['code', 'text', 'bytes', 'pointer'],
  askar_key_from_secret_bytes: ['code', 'text', 'bytes', 'pointer'],
  askar_key_from_key_exchange: ['code', 'text', 'pointer', 'pointer', 'pointer'],
  askar_key_convert: ['code', 'pointer', 'text', 'pointer'],
  askar_key_get_algorithm: ['code', 'pointer', 'pointer'],
  askar_key_get_ephemeral: ['code', 'pointer', 'pointer'],
  askar_key_get_jwk_public: ['code', 'pointer', 'text', 'pointer'],
  askar_key_get_jwk_secret: ['code', 'pointer', 'pointer'],
  askar_key_get_jwk_thumbprint: ['code', 'pointer', 'text', 'pointer'],
  askar_key_get_public_bytes: ['code', 'pointer', 'pointer'],
  askar_key_get_secret_bytes: ['code', 'pointer', 'pointer'],
  askar_key_get_supported_backends: ['code', 'pointer'],

  askar_argon2_derive_password: ['code', 'int8', 'bytes', 'bytes', 'pointer'],
  askar_key_aead_decrypt: ['code', 'pointer', 'bytes', 'bytes', 'bytes', 'bytes', 'pointer'],
  askar_key_aead_encrypt: ['code', 'pointer', 'bytes', 'bytes', 'bytes', 'pointer'],
  askar_key_aead_get_padding: ['code', 'pointer', 'int64', 'pointer'],
  askar_key_aead_get_params: ['code', 'pointer', 'pointer'],
  askar_key_aead_random_nonce: ['code', 'pointer', 'pointer'],
  askar_key_crypto_box: ['code', 'pointer', 'pointer', 'bytes', 'bytes', 'pointer'],
  askar_key_crypto_box_open: ['code', 'pointer', 'pointer', 'bytes', 'bytes', 'pointer'],
  askar_key_crypto_box_random_nonce: ['code', 'pointer'],
  askar_key_crypto_box_seal: ['code', 'pointer', 'bytes', 'pointer'],
  askar_key_crypto_box_seal_open: ['code', 'pointer', 'bytes', 'pointer'],
  askar_key_derive_ecdh_1pu: [
    'code',
    'text',
    'pointer',
    'pointer',
    'pointer',
    'bytes',
    'bytes',
    'bytes',
    'bytes',
    'int8',
    'pointer',
  ],
  askar_key_derive_ecdh_es: ['code', 'text', 'pointer', 'pointer', 'bytes', 'bytes', 'bytes', 'int8', 'pointer'],
  askar_key_sign_message: ['code', 'pointer', 'bytes', 'text', 'pointer'],
  askar_key_verify_signature: ['code', 'pointer', 'bytes', 'bytes', 'text', 'pointer'],
  askar_key_wrap_key: ['code', 'pointer', 'pointer', 'bytes', 'pointer'],
  askar_key_unwrap_key: ['code', 'pointer', 'text', 'bytes', 'bytes', 'bytes', 'pointer'],

  askar_scan_free: ['code', 'handle'],
  askar_scan_next: ['code', 'handle', 'callback', 'id'],
  askar_scan_start: ['code', 'handle', 'text', 'text', 'text', 'int64', 'int64', 'text', 'int8', 'callback', 'id'],
  askar_session_close: ['code', 'handle', 'int8', 'callback', 'id'],
  askar_session_count: ['code', 'handle', 'text', 'text', 'callback', 'id'],
  askar_session_fetch: ['code', 'handle', 'text', 'text', 'int8', 'callback', 'id'],
  askar_session_fetch_all: ['code', 'handle', 'text', 'text', 'int64', 'text', 'int8', 'int8', 'callback', 'id'],
  askar_session_fetch_all_keys: ['code', 'handle', 'text', 'text', 'text', 'int64', 'int8', 'callback', 'id'],
  askar_session_fetch_key: ['code', 'handle', 'text', 'int8', 'callback', 'id'],
  askar_session_insert_key: ['code', 'handle', 'pointer', 'text', 'text', 'text', 'int64', 'callback', 'id'],
  askar_session_remove_all: ['code', 'handle', 'text', 'text', 'callback', 'id'],
  askar_session_remove_key: ['code', 'handle', 'text', 'callback', 'id'],
  askar_session_start: ['code', 'handle', 'text', 'int8', 'callback', 'id'],
  askar_session_update: ['code', 'handle', 'int8', 'text', 'text', 'bytes', 'text', 'int64', 'callback', 'id'],
  askar_session_update_key: ['code', 'handle', 'text', 'text', 'text', 'int64', 'callback', 'id'],

  askar_store_generate_raw_key: ['code', 'bytes', 'pointer'],
  askar_store_open: ['code', 'text', 'text', 'text', 'text', 'callback', 'id'],
  askar_store_provision: ['code', 'text', 'text', 'text', 'text', 'int8', 'callback', 'id'],
  askar_store_close: ['code', 'handle', 'callback', 'id'],
  askar_store_copy: ['code', 'handle', 'text', 'text', 'text', 'int8', 'callback', 'id'],
  askar_store_rekey: ['code', 'handle', 'text', 'text', 'callback', 'id'],
  askar_store_remove: ['code', 'text', 'callback', 'id'],
  askar_store_create_profile: ['code', 'handle', 'text', 'callback', 'id'],
  askar_store_get_profile_name: ['code', 'handle', 'callback', 'id'],
  askar_store_get_default_profile: ['code', 'handle', 'callback', 'id'],
  askar_store_set_default_profile: ['code', 'handle', 'text', 'callback', 'id'],
  askar_store_list_profiles: ['code', 'handle', 'callback', 'id'],
  askar_store_remove_profile: ['code', 'handle', 'text', 'callback', 'id'],
  askar_store_rename_profile: ['code', 'handle', 'text', 'text', 'callback', 'id'],
  askar_store_copy_profile: ['code', 'handle', 'handle', 'text', 'text', 'callback', 'id'],
  askar_migrate_indy_sdk: ['code', 'text', 'text', 'text', 'text', 'callback', 'id'],
} as const satisfies Record<string, readonly [NativeType, ...NativeType[]]>

/** A C address; 0n and null are NULL. */
export type Pointer = bigint

/** `ByteBuffer` of the C header: `data` is lent for the length of one call. */
export interface ByteBuffer {
  len: number
  data: Uint8Array | Pointer | null
}

interface NativeTypes {
  void: undefined
  code: number
  int8: number
  int32: number
  int64: number
  handle: number
  id: number
  text: string | null
  bytes: ByteBuffer
  pointer: Pointer | NodeJS.ArrayBufferView | null
  callback: Pointer
}

interface NativeResults {
  void: undefined
  code: number
  pointer: Pointer | null
}

export type NativeType = keyof NativeTypes

type Arguments<Types extends readonly NativeType[]> = { [Index in keyof Types]: NativeTypes[Types[Index]] }

type Signature<Types> = Types extends readonly [infer Result extends keyof NativeResults, ...infer Rest]
  ? Rest extends readonly NativeType[]
    ? (...args: Arguments<Rest>) => NativeResults[Result]
    : never
  : never

/** The library's functions under their C names, typed by the table. */
export type NativeFunctions = { readonly [Name in keyof typeof signatures]: Signature<(typeof signatures)[Name]> }
