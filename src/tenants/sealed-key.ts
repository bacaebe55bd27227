import { createHmac, hkdfSync, type KeyObject } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'

/**
 * A wallet's key inside a token: a compact JWE (RFC 7516, dir, A256GCM) that no one but the gateway opens, and the
 * gateway only in the token that it was sealed for, since the content key is made for that token's id (RFC 5869). The
 * first secret seals.
 */
export async function sealKey(secrets: readonly KeyObject[], tokenId: string, walletKey: string): Promise<string> {
  const { contentKey, ivKey } = keysFor(secrets[0] as KeyObject, tokenId)
  // One key sealed for one token is the same text each time, as a token that is signed again has to be. So the IV is no
  // random number but made of what is sealed: it comes again for the same key only, where all of it is the same, and
  // not if a token were ever to carry another key.
  const iv = createHmac('sha256', ivKey).update(walletKey).digest().subarray(0, 12)
  const plaintext = Buffer.from(walletKey)
  try {
    return await new CompactEncrypt(plaintext)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setInitializationVector(iv)
      .encrypt(contentKey)
  } finally {
    plaintext.fill(0)
  }
}

/** Every secret opens. @returns undefined for what was sealed for another token, with another secret, or not here */
export async function openKey(
  secrets: readonly KeyObject[],
  tokenId: string,
  sealedKey: string,
): Promise<string | undefined> {
  for (const secret of secrets) {
    const { contentKey } = keysFor(secret, tokenId)
    const opened = await compactDecrypt(sealedKey, contentKey, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    }).catch(() => undefined)
    if (!opened) continue
    const walletKey = new TextDecoder().decode(opened.plaintext)
    opened.plaintext.fill(0)
    return walletKey
  }
  return undefined
}

function keysFor(secret: KeyObject, tokenId: string): { contentKey: Uint8Array; ivKey: Uint8Array } {
  const bytes = new Uint8Array(hkdfSync('sha256', secret, '', `tenantry wallet key in token ${tokenId}`, 64))
  return { contentKey: bytes.subarray(0, 32), ivKey: bytes.subarray(32) }
}
