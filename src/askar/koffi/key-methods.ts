import type { Askar } from '@openwallet-foundation/askar-shared'
import { address, bytes, flag, text } from './marshal.js'
import type { Native } from './native.js'
import { takeStringList } from './string-list.js'

type KeyMethods = Pick<
  Askar,
  | 'keyFree'
  | 'keyGenerate'
  | 'keyFromSeed'
  | 'keyFromJwk'
  | 'keyFromPublicBytes'
  | 'keyFromSecretBytes'
  | 'keyFromKeyExchange'
  | 'keyConvert'
  | 'keyGetAlgorithm'
  | 'keyGetEphemeral'
  | 'keyGetJwkPublic'
  | 'keyGetJwkSecret'
  | 'keyGetJwkThumbprint'
  | 'keyGetPublicBytes'
  | 'keyGetSecretBytes'
> & {
  /** Not in askar-shared's interface, but in the library and in askar-nodejs. */
  keyGetSupportedBackends(): string[]
}

/** Making keys and reading them. */
export function keyMethods(native: Native): KeyMethods {
  const { functions, results, ownership } = native
  return {
    keyFree: ({ localKeyHandle }) => ownership.freeKey(localKeyHandle),

    keyGenerate: ({ algorithm, keyBackend, ephemeral }) =>
      ownership.key(
        results.pointer((out) => functions.askar_key_generate(algorithm, text(keyBackend), flag(ephemeral), out)),
      ),
    keyFromSeed: ({ algorithm, seed, method }) =>
      ownership.key(results.pointer((out) => functions.askar_key_from_seed(algorithm, bytes(seed), text(method), out))),
    keyFromJwk: ({ jwk }) => {
      // Credo hands over its JSON, whatever the type says.
      const json = jwk instanceof Uint8Array ? jwk : jwk.toUint8Array()
      return ownership.key(results.pointer((out) => functions.askar_key_from_jwk(bytes(json), out)))
    },
    keyFromPublicBytes: ({ algorithm, publicKey }) =>
      ownership.key(results.pointer((out) => functions.askar_key_from_public_bytes(algorithm, bytes(publicKey), out))),
    keyFromSecretBytes: ({ algorithm, secretKey }) =>
      ownership.key(results.pointer((out) => functions.askar_key_from_secret_bytes(algorithm, bytes(secretKey), out))),
    keyFromKeyExchange: ({ algorithm, skHandle, pkHandle }) =>
      ownership.key(
        results.pointer((out) =>
          functions.askar_key_from_key_exchange(algorithm, address(skHandle), address(pkHandle), out),
        ),
      ),
    keyConvert: ({ localKeyHandle, algorithm }) =>
      ownership.key(results.pointer((out) => functions.askar_key_convert(address(localKeyHandle), algorithm, out))),

    keyGetAlgorithm: ({ localKeyHandle }) =>
      results.text((out) => functions.askar_key_get_algorithm(address(localKeyHandle), out)),
    keyGetEphemeral: ({ localKeyHandle }) =>
      results.int8((out) => functions.askar_key_get_ephemeral(address(localKeyHandle), out)),
    keyGetJwkPublic: ({ localKeyHandle, algorithm }) =>
      results.text((out) => functions.askar_key_get_jwk_public(address(localKeyHandle), text(algorithm), out)),
    keyGetJwkSecret: ({ localKeyHandle }) =>
      results.bytes((out) => functions.askar_key_get_jwk_secret(address(localKeyHandle), out)),
    keyGetJwkThumbprint: ({ localKeyHandle, algorithm }) =>
      results.text((out) => functions.askar_key_get_jwk_thumbprint(address(localKeyHandle), text(algorithm), out)),
    keyGetPublicBytes: ({ localKeyHandle }) =>
      results.bytes((out) => functions.askar_key_get_public_bytes(address(localKeyHandle), out)),
    keyGetSecretBytes: ({ localKeyHandle }) =>
      results.bytes((out) => functions.askar_key_get_secret_bytes(address(localKeyHandle), out)),
    keyGetSupportedBackends: () =>
      takeStringList(
        native,
        results.pointer((out) => functions.askar_key_get_supported_backends(out)),
      ),
  }
}
