import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { base58Encode } from '../lib/base58.js'
import { sha256 } from '../lib/ids.js'
import type { Config } from './config.js'
import { ConfigError } from './config-error.js'
import type { RawSettings } from './env.js'
import { readOrCreateSecret } from './secret-file.js'
import { signingKeysOf } from './signing-keys.js'
import { checkStoreKey, nextStoreKey } from './store-keys.js'

const jwtSecretBytes = 32
const shortOperatorKey = 16

type SecretName = 'STORE_KEY' | 'OPERATOR_API_KEYS' | 'JWT_SECRET'

export interface SecretValues {
  storeKey: string
  /** Of a rotation that was cut off. */
  nextStoreKey?: string
  operatorApiKeys: readonly string[]
  jwtSecrets: readonly string[]
  /** Ed25519. */
  jwtSigningKeys: readonly KeyObject[]
}

/** The gateway's keys. Printing or serialising it shows none of them. */
export class Secrets {
  readonly #storeKey: string
  readonly #nextStoreKey: string | undefined
  readonly #operatorKeyHashes: readonly Buffer[]
  readonly #jwtSecrets: readonly Uint8Array[]
  readonly #jwtSigningKeys: readonly KeyObject[]

  constructor({ storeKey, nextStoreKey, operatorApiKeys, jwtSecrets, jwtSigningKeys }: SecretValues) {
    this.#storeKey = storeKey
    this.#nextStoreKey = nextStoreKey
    this.#operatorKeyHashes = operatorApiKeys.map((key) => sha256(key))
    this.#jwtSecrets = jwtSecrets.map((secret) => new TextEncoder().encode(secret))
    this.#jwtSigningKeys = jwtSigningKeys
  }

  /** Raw key of the base store, base58 of 32 bytes. */
  get storeKey(): string {
    return this.#storeKey
  }

  /** The key that the base store is under where a rotation was cut off after its change. */
  get nextStoreKey(): string | undefined {
    return this.#nextStoreKey
  }

  /** At least one, each at least 32 bytes: the first signs, all verify. */
  get jwtSecrets(): readonly Uint8Array[] {
    return this.#jwtSecrets
  }

  /** Alike where tokens of one hold at the other, among the instances of one store; tells nothing of the secrets. */
  fingerprint(storeId: string): string {
    const hmac = createHmac('sha256', storeId)
    for (const secret of this.#jwtSecrets) hmac.update(sha256(Buffer.from(secret)))
    for (const key of this.#jwtSigningKeys) hmac.update(`${key.export({ format: 'jwk' }).x}`)
    return hmac.digest('hex')
  }

  /** Alike where the keys of OPERATOR_API_KEYS are, in their order; empty where there are none. */
  operatorFingerprint(storeId: string): string {
    if (this.#operatorKeyHashes.length === 0) return ''
    const hmac = createHmac('sha256', storeId)
    for (const hash of this.#operatorKeyHashes) hmac.update(hash)
    return hmac.digest('hex')
  }

  /** None: the secrets sign. Else the first signs, and is private; all verify. */
  get jwtSigningKeys(): readonly KeyObject[] {
    return this.#jwtSigningKeys
  }

  get operatorKeyCount(): number {
    return this.#operatorKeyHashes.length
  }

  /**
   * The place of an operator's key in OPERATOR_API_KEYS, from 1; undefined where it is none of them. Takes as long for a
   * wrong key as for a right one.
   * @param hash SHA-256 of the key
   */
  operatorKeyNumber(hash: Buffer): number | undefined {
    return this.#operatorKeyHashes.reduce<number | undefined>(
      (found, known, index) => (timingSafeEqual(hash, known) ? (found ?? index + 1) : found),
      undefined,
    )
  }

  toJSON(): string {
    return '[secrets]'
  }

  toString(): string {
    return '[secrets]'
  }

  [inspect.custom](): string {
    return '[secrets]'
  }
}

export interface LoadedSecrets {
  secrets: Secrets
  /** What this start made, to be printed once. */
  generated: { operatorKey?: string }
  /** Where the operator key lies that this start or an earlier one made. */
  operatorKeyFile?: string
  /** One line for each thing an operator should know. */
  warnings: string[]
}

/**
 * Checks the secrets that are given. Touches nothing outside.
 *
 * @throws ConfigError for the first one that is wrong or missing; its message never repeats the value
 */
export function checkSecrets(raw: RawSettings, config: Pick<Config, 'databaseUrl'>): Partial<SecretValues> {
  const storeKey = raw.STORE_KEY?.value
  if (storeKey === undefined && config.databaseUrl) {
    throw new ConfigError(
      'STORE_KEY',
      'must be given with DATABASE_URL, the same on every instance: base58 of 32 bytes, as `tenantry new-store-key` makes it',
    )
  }
  if (storeKey !== undefined) checkStoreKey(storeKey)
  const operatorApiKeys = raw.OPERATOR_API_KEYS && operatorKeysOf(raw.OPERATOR_API_KEYS.value)
  const jwtSecrets = raw.JWT_SECRET && jwtSecretsOf(raw.JWT_SECRET.value)
  const jwtSigningKeys = raw.JWT_SIGNING_KEYS && signingKeysOf(raw.JWT_SIGNING_KEYS.value)
  return { storeKey, operatorApiKeys, jwtSecrets, jwtSigningKeys }
}

/**
 * Step three of three: the given secrets, and those that are not given from `DATA_DIR/secrets`, made there the first
 * time.
 *
 * @throws ConfigError where one is wrong, or its file cannot be read or made
 */
export function loadSecrets(
  raw: RawSettings,
  config: Pick<Config, 'dataDir' | 'databaseUrl' | 'adminApi'>,
): LoadedSecrets {
  const given = checkSecrets(raw, config)
  const warnings: string[] = []
  const stored = (name: SecretName, generate: () => string) => {
    const file = fromDataDir(name, config.dataDir, generate)
    if (file.exposed) warnings.push(`${name}: others can read ${file.path}, take that away with chmod 600`)
    if (config.databaseUrl) {
      warnings.push(
        `${name}: not given, so it is this instance's own, from ${file.path}; instances that share a database must share it`,
      )
    }
    return file
  }
  const storeKey = given.storeKey ?? checkStoreKey(stored('STORE_KEY', newStoreKey).value)
  const jwtSecrets = given.jwtSecrets ?? jwtSecretsOf(stored('JWT_SECRET', () => base58Encode(randomBytes(48))).value)
  const { jwtSigningKeys = [] } = given
  const generated: LoadedSecrets['generated'] = {}
  let operatorApiKeys = given.operatorApiKeys ?? []
  let operatorKeyFile: string | undefined
  if (!given.operatorApiKeys && config.adminApi) {
    const file = stored('OPERATOR_API_KEYS', () => `operator_${base58Encode(randomBytes(32))}`)
    operatorApiKeys = operatorKeysOf(file.value)
    operatorKeyFile = file.path
    if (file.created) generated.operatorKey = file.value
  }
  if (operatorApiKeys.some((key) => key.length < shortOperatorKey)) {
    warnings.push(`OPERATOR_API_KEYS: a key shorter than ${shortOperatorKey} characters can be guessed`)
  }
  const next = nextStoreKey(config)
  if (next) warnings.push('STORE_KEY: a rotation was cut off, finish it by tenantry rotate-store-key')
  const values = { storeKey, nextStoreKey: next, operatorApiKeys, jwtSecrets, jwtSigningKeys }
  return { secrets: new Secrets(values), generated, operatorKeyFile, warnings }
}

/** A key that nobody has: base58 of 32 random bytes. */
export const newStoreKey = () => base58Encode(randomBytes(32))

function fromDataDir(name: SecretName, dataDir: string, generate: () => string) {
  const path = join(dataDir, 'secrets', name.toLowerCase().replaceAll('_', '-'))
  try {
    return { path, ...readOrCreateSecret(path, generate) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(
      'DATA_DIR',
      `cannot read or write ${path} (${code}), use a folder that this user can write to`,
    )
  }
}

function operatorKeysOf(text: string): string[] {
  const keys = text.split(',').map((key) => key.trim())
  const wrong = keys.findIndex((key) => !/^[\x21-\x7e]+$/.test(key))
  if (wrong >= 0) {
    throw new ConfigError('OPERATOR_API_KEYS', `key ${wrong + 1} must be visible ASCII characters without spaces`)
  }
  return keys
}

/** Not trimmed: the bytes are the key. */
function jwtSecretsOf(text: string): string[] {
  const secrets = text.split(',')
  const short = secrets.findIndex((secret) => Buffer.byteLength(secret) < jwtSecretBytes)
  if (short >= 0) throw new ConfigError('JWT_SECRET', `entry ${short + 1} must have at least ${jwtSecretBytes} bytes`)
  return secrets
}
