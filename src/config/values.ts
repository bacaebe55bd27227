import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { parseDuration, parseSize } from './units.js'

const WORKERS_MAX = 64

/** A text that has the given shape; `advice` says how to write it. */
export function text(shape: RegExp, advice: string) {
  return z.string().regex(shape, advice)
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words as T, `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`)
}

/** A whole number in plain digits, from `least` to `most`. */
export function wholeNumber(least: number, most: number) {
  return converted(`must be a whole number from ${least} to ${most}`, (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    return number >= least && number <= most ? number : undefined
  })
}

/** A number of processes; `auto` is one for each processor. */
export function workers() {
  return converted('must be auto or a whole number from 1 to 64', (value) => {
    if (value === 'auto') return Math.min(availableParallelism(), WORKERS_MAX)
    const number = /^\d{1,2}$/.test(value) ? Number(value) : 0
    return number >= 1 && number <= WORKERS_MAX ? number : undefined
  })
}

/** Milliseconds from `5s`. */
export function duration() {
  return converted('must be a duration like 30d, 12h, 10m, 5s or 250ms', parseDuration)
}

/** Milliseconds from `5s`, or null from `none`. */
export function durationOrNone() {
  return converted<number | null>('must be a duration like 30d, 12h or 10m, or none', (value) =>
    value === 'none' ? null : parseDuration(value),
  )
}

/** Bytes from `1MiB`. */
export function size() {
  return converted('must be a size like 1MiB, 64KiB or 5000 (bytes), up to 1GiB', parseSize)
}

/** A JSON object; what its keys mean is checked by whoever knows them. */
export function jsonObject() {
  return converted('must be a JSON object like {"maxConnections": 1000}', (value) => {
    try {
      const parsed: unknown = JSON.parse(value)
      const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      return isObject ? (parsed as Readonly<Record<string, unknown>>) : undefined
    } catch {
      return undefined
    }
  })
}

/** A comma list; spaces around its parts do not count, empty parts are left out. */
export function list<T>(item: z.ZodType<T, string>) {
  return z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item))
}

/** A URL of one of the schemes, kept as it was written; `check` is for what else it needs. */
export function url(schemes: readonly string[], example: string, check: (parsed: URL) => boolean = () => true) {
  return converted(`must be a URL like ${example}`, (value) => {
    if (!URL.canParse(value)) return undefined
    const parsed = new URL(value)
    return schemes.includes(parsed.protocol) && check(parsed) ? value : undefined
  })
}

/** An http or https URL of a place: no query, fragment or credentials; without the slash at its end. */
export function httpUrl() {
  return converted('must be an http or https URL without query, fragment and credentials', (value) => {
    if (!URL.canParse(value)) return undefined
    const { protocol, host, pathname, username, password } = new URL(value)
    const isPlain = !/[?#]/.test(value) && username === '' && password === ''
    if (!isPlain || (protocol !== 'http:' && protocol !== 'https:')) return undefined
    return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`
  })
}

function converted<T>(advice: string, convert: (value: string) => T | undefined) {
  return z.string().transform((value, context) => {
    const result = convert(value)
    if (result !== undefined) return result
    context.addIssue({ code: 'custom', message: advice })
    return z.NEVER
  })
}
