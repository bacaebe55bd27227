const STORAGE_KEY = 'tenantry:credential'

/** Three base64url parts: a compact JWS (RFC 7515, 7.1), which is what a tenant token is. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Reads what was typed or pasted: a tenant token if it is a compact JWS, otherwise an operator key.
 *
 * @param {string} text with or without a leading `Bearer`
 * @returns {{headers: Record<string, string>, connectionParams: Record<string, string>, text: string}}
 *   the same credential for HTTP and for graphql-ws
 * @throws {Error} with a message for the reader, when it cannot be sent as a header
 */
export function parseCredential(text) {
  const bare = text.trim().replace(/^Bearer\s+/i, '')
  if (!/^[\x21-\x7e]+$/.test(bare)) throw new Error('A key or token has no spaces and no special characters.')
  if (!COMPACT_JWS.test(bare)) return { text: bare, headers: { 'x-api-key': bare }, connectionParams: { apiKey: bare } }
  const authorization = `Bearer ${bare}`
  return { text: bare, headers: { authorization }, connectionParams: { authorization } }
}

/** The text of the credential that this browser tab used last, or null. It outlives a reload, not the tab. */
export function restoreCredential() {
  return sessionStorage.getItem(STORAGE_KEY)
}

export function storeCredential(credential) {
  if (credential) sessionStorage.setItem(STORAGE_KEY, credential.text)
  else sessionStorage.removeItem(STORAGE_KEY)
}
