import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.js'
import { fileKey, flagName, type SettingName, settings } from './settings.js'

/** A setting as it was written, and where. */
export interface RawSetting {
  value: string
  /** For messages: `--port`, `PORT`, `PORT_FILE` or the config file's path. */
  source: string
}

export type RawSettings = Partial<Record<SettingName, RawSetting>>

export interface SettingSources {
  /** The environment; `process.env` unless given. */
  env?: Record<string, string | undefined>
  /** Flags by file key (`publicUrl`, `storeKeyFile`), as commander gives them. */
  flags?: Record<string, unknown>
  /** Path of a JSON config file; `CONFIG_FILE` in the environment unless given. */
  configFile?: string
}

/**
 * Step one of three: collects settings as text. A flag wins over the environment, that over the config file; an empty
 * text counts as not given.
 *
 * @throws ConfigError for a file that cannot be read, an unknown key in it, or a secret given twice in one place
 */
export function readSettings({ env = process.env, flags = {}, configFile }: SettingSources = {}): RawSettings {
  const path = configFile ?? (env.CONFIG_FILE || undefined)
  const file = path === undefined ? {} : readConfigFile(path)
  const raw: RawSettings = {}
  for (const { name, secret } of settings) {
    const key = fileKey(name)
    const found =
      pick(name, secret, flags, key, `${key}File`, flagName(name)) ??
      pick(name, secret, env, name, `${name}_FILE`, name) ??
      pick(name, secret, file, key, `${key}File`, `config file, ${key}`)
    if (found) raw[name] = found
  }
  return raw
}

function pick(
  name: string,
  secret: boolean | undefined,
  from: Record<string, unknown>,
  key: string,
  pathKey: string,
  source: string,
): RawSetting | undefined {
  const value = asText(name, from[key])
  const path = secret ? asText(name, from[pathKey]) : undefined
  if (value !== undefined && path !== undefined)
    throw new ConfigError(name, `give either ${key} or ${pathKey}, not both`)
  if (path !== undefined) return { value: readSecretFile(name, path), source: pathKey }
  return value === undefined ? undefined : { value, source }
}

function asText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',') || undefined
  throw new ConfigError(name, 'write a text, a number, true, false or a list of texts')
}

/** The text of a secret's file without the line end that editors put there. */
export function readSecretFile(name: string, path: string): string {
  const text = readText(name, path).replace(/\r?\n$/, '')
  if (text === '') throw new ConfigError(name, `the file ${path} is empty`)
  return text
}

function readConfigFile(path: string): Record<string, unknown> {
  const content = parseObject(path, readText('CONFIG_FILE', path))
  for (const key of Object.keys(content)) {
    const known = settings.some(
      ({ name, secret }) => key === fileKey(name) || (secret && key === `${fileKey(name)}File`),
    )
    if (!known) throw new ConfigError('CONFIG_FILE', `no setting is called '${key}' in ${path}`)
  }
  return content
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new ConfigError('CONFIG_FILE', `${path} is not valid JSON`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError('CONFIG_FILE', `${path} must hold one JSON object`)
  }
  return content as Record<string, unknown>
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(name, `cannot read the file ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}
