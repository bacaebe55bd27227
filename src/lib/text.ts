import { badInput } from './errors.js'

export interface TextRule {
  /** Fewest characters, 1 unless given. */
  min?: number
  /** Most characters, 255 unless given. */
  max?: number
  /** Whether line breaks and tabs are allowed. */
  lines?: boolean
}

// Control characters, lone surrogates, and the marks that turn the direction of text or hide in it.
const CONTROL = /[\p{Cc}\p{Cs}\u200B\u200E\u200F\u2028-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/u
const CONTROL_BUT_LINES = /[^\P{Cc}\n\r\t]|\p{Cs}/u

/**
 * Checks text that a client gave, and gives it back as it is.
 * @throws BAD_USER_INPUT with `field`
 */
export function checkText(value: string, field: string, { min = 1, max = 255, lines = false }: TextRule = {}): string {
  if (value.length < min || (min > 0 && value.trim() === '')) throw badInput(`${field} must not be empty.`, field)
  if (value.length > max) throw badInput(`${field} must have at most ${max} characters.`, field)
  if ((lines ? CONTROL_BUT_LINES : CONTROL).test(value))
    throw badInput(`${field} must have no control characters.`, field)
  return value
}

/** The same for text that may be missing. */
export function checkOptional(
  value: string | null | undefined,
  field: string,
  rule?: TextRule,
): string | null | undefined {
  return value == null ? value : checkText(value, field, rule)
}

/** Whether text is an absolute http or https URL, as it stands. */
export function isWebUrl(text: string): boolean {
  // The parser drops or escapes spaces and control characters; what is stored is the text.
  const isPlain = text.length <= 4096 && !/[\s\p{Cc}\p{Cs}]/u.test(text)
  return isPlain && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
