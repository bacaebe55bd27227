import type { Askar } from '@openwallet-foundation/askar-shared'
import { shared } from '../shared.js'
import { address, bytes, flag, text } from './marshal.js'
import type { Native } from './native.js'

type CryptoMethods = Pick<
  Askar,
  | 'argon2DerivePassword'
  | 'keyAeadDecrypt'
  | 'keyAeadEncrypt'
  | 'keyAeadGetPadding'
  | 'keyAeadGetParams'
  | 'keyAeadRandomNonce'
  | 'keyCryptoBox'
  | 'keyCryptoBoxOpen'
  | 'keyCryptoBoxRandomNonce'
  | 'keyCryptoBoxSeal'
  | 'keyCryptoBoxSealOpen'
  | 'keyDeriveEcdh1pu'
  | 'keyDeriveEcdhEs'
  | 'keySignMessage'
  | 'keyVerifySignature'
  | 'keyWrapKey'
  | 'keyUnwrapKey'
>

/** Encrypting, signing and deriving with keys. */
export function cryptoMethods({ functions, results, ownership }: Native): CryptoMethods {
  return {
    argon2DerivePassword: ({ parameters, password, salt }) =>
      results.bytes((out) => functions.askar_argon2_derive_password(parameters, bytes(password), bytes(salt), out)),

    keyAeadEncrypt: ({ localKeyHandle, message, nonce, aad }) =>
      new shared.EncryptedBuffer(
        results.encrypted((out) =>
          functions.askar_key_aead_encrypt(address(localKeyHandle), bytes(message), bytes(nonce), bytes(aad), out),
        ),
      ),
    keyAeadDecrypt: ({ localKeyHandle, ciphertext, nonce, tag, aad }) =>
      results.bytes((out) =>
        functions.askar_key_aead_decrypt(
          address(localKeyHandle),
          bytes(ciphertext),
          bytes(nonce),
          bytes(tag),
          bytes(aad),
          out,
        ),
      ),
    keyAeadGetPadding: ({ localKeyHandle, msgLen }) =>
      results.int32((out) => functions.askar_key_aead_get_padding(address(localKeyHandle), msgLen, out)),
    keyAeadGetParams: ({ localKeyHandle }) => {
      const [nonceLength, tagLength] = results.int32Pair((out) =>
        functions.askar_key_aead_get_params(address(localKeyHandle), out),
      )
      return new shared.AeadParams({ nonceLength, tagLength })
    },
    keyAeadRandomNonce: ({ localKeyHandle }) =>
      results.bytes((out) => functions.askar_key_aead_random_nonce(address(localKeyHandle), out)),

    keyCryptoBox: ({ recipientKey, senderKey, message, nonce }) =>
      results.bytes((out) =>
        functions.askar_key_crypto_box(
          address(recipientKey.handle),
          address(senderKey.handle),
          bytes(message),
          bytes(nonce),
          out,
        ),
      ),
    keyCryptoBoxOpen: ({ recipientKey, senderKey, message, nonce }) =>
      results.bytes((out) =>
        functions.askar_key_crypto_box_open(
          address(recipientKey.handle),
          address(senderKey.handle),
          bytes(message),
          bytes(nonce),
          out,
        ),
      ),
    keyCryptoBoxRandomNonce: () => results.bytes((out) => functions.askar_key_crypto_box_random_nonce(out)),
    keyCryptoBoxSeal: ({ localKeyHandle, message }) =>
      results.bytes((out) => functions.askar_key_crypto_box_seal(address(localKeyHandle), bytes(message), out)),
    keyCryptoBoxSealOpen: ({ localKeyHandle, ciphertext }) =>
      results.bytes((out) => functions.askar_key_crypto_box_seal_open(address(localKeyHandle), bytes(ciphertext), out)),

    keyDeriveEcdh1pu: ({ algorithm, ephemeralKey, senderKey, recipientKey, algId, apu, apv, ccTag, receive }) =>
      ownership.key(
        results.pointer((out) =>
          functions.askar_key_derive_ecdh_1pu(
            algorithm,
            address(ephemeralKey.handle),
            address(senderKey.handle),
            address(recipientKey.handle),
            bytes(algId),
            bytes(apu),
            bytes(apv),
            bytes(ccTag),
            flag(receive),
            out,
          ),
        ),
      ),
    keyDeriveEcdhEs: ({ algorithm, ephemeralKey, recipientKey, algId, apu, apv, receive }) =>
      ownership.key(
        results.pointer((out) =>
          functions.askar_key_derive_ecdh_es(
            algorithm,
            address(ephemeralKey.handle),
            address(recipientKey.handle),
            bytes(algId),
            bytes(apu),
            bytes(apv),
            flag(receive),
            out,
          ),
        ),
      ),

    keySignMessage: ({ localKeyHandle, message, sigType }) =>
      results.bytes((out) =>
        functions.askar_key_sign_message(address(localKeyHandle), bytes(message), text(sigType), out),
      ),
    keyVerifySignature: ({ localKeyHandle, message, signature, sigType }) =>
      results.int8((out) =>
        functions.askar_key_verify_signature(
          address(localKeyHandle),
          bytes(message),
          bytes(signature),
          text(sigType),
          out,
        ),
      ) !== 0,

    keyWrapKey: ({ localKeyHandle, other, nonce }) =>
      new shared.EncryptedBuffer(
        results.encrypted((out) =>
          functions.askar_key_wrap_key(address(localKeyHandle), address(other), bytes(nonce), out),
        ),
      ),
    keyUnwrapKey: ({ localKeyHandle, algorithm, ciphertext, nonce, tag }) =>
      ownership.key(
        results.pointer((out) =>
          functions.askar_key_unwrap_key(
            address(localKeyHandle),
            algorithm,
            bytes(ciphertext),
            bytes(nonce),
            bytes(tag),
            out,
          ),
        ),
      ),
  }
}
