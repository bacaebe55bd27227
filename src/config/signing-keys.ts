import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { ConfigError } from './config-error.js'

/**
 * The Ed25519 keys in a text: PEM blocks one after another, or a JSON Web Key or set of them (RFC 7517, 8037). The first
 * one signs, so it must be private; of the others the public half is enough.
 *
 * @throws ConfigError; its message never repeats the text
 */
export function signingKeysOf(text: string): KeyObject[] {
  const keys = text.trimStart().startsWith('{') ? jwksOf(text) : pemsOf(text)
  if (keys.length === 0) throw wrong('has no key in it')
  for (const [index, key] of keys.entries()) {
    if (key.asymmetricKeyType !== 'ed25519') throw wrong(`key ${index + 1} is not an Ed25519 key`)
  }
  if (keys[0]?.type !== 'private') throw wrong('key 1 must be a private key: it signs')
  return keys
}

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g

function pemsOf(text: string): KeyObject[] {
  if (text.replace(PEM_BLOCK, '').trim() !== '')
    throw wrong('must be PEM blocks and nothing else, or a JSON Web Key Set')
  return [...text.matchAll(PEM_BLOCK)].map(([pem, kind], index) =>
    parsed(index, () => (kind === 'PUBLIC KEY' ? createPublicKey(pem) : createPrivateKey(pem))),
  )
}

function jwksOf(text: string): KeyObject[] {
  let content: { keys?: unknown }
  try {
    content = JSON.parse(text)
  } catch {
    throw wrong('is not valid JSON')
  }
  const jwks = (Array.isArray(content.keys) ? content.keys : [content]) as JsonWebKey[]
  return jwks.map((key, index) =>
    parsed(index, () => (key.d === undefined ? createPublicKey : createPrivateKey)({ key, format: 'jwk' })),
  )
}

function parsed(index: number, parse: () => KeyObject): KeyObject {
  try {
    return parse()
  } catch {
    throw wrong(`key ${index + 1} cannot be read; it must be Ed25519 without a passphrase`)
  }
}

const wrong = (what: string) => new ConfigError('JWT_SIGNING_KEYS', what)
