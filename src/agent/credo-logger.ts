import { BaseLogger, LogLevel as CredoLevel } from '@credo-ts/core'
import type { Logger, LogLevel } from '../lib/logger.js'
import { BASE_PROFILE } from '../storage/store.js'
import { currentUnit } from '../storage/unit.js'
import { EnvelopeError } from './envelope-service.js'

/** What Credo's levels are here. */
const levels: Record<CredoLevel, LogLevel> = {
  [CredoLevel.test]: 'trace',
  [CredoLevel.trace]: 'trace',
  [CredoLevel.debug]: 'debug',
  [CredoLevel.info]: 'debug',
  [CredoLevel.warn]: 'warn',
  [CredoLevel.error]: 'error',
  [CredoLevel.fatal]: 'fatal',
  [CredoLevel.off]: 'silent',
}

/**
 * Passes what Credo logs to ours, without what it knows.
 *
 * Credo logs decrypted messages at info, payloads at error, and puts ids, labels and messages of other errors into its
 * texts. So only the fixed beginning of a text is kept, and of its data an error's name and code. Its info is our
 * debug: what it tells there is of use to a developer only.
 */
export class CredoLogger extends BaseLogger {
  readonly #logger: Logger

  constructor(logger: Logger) {
    super(CredoLevel.test)
    this.#logger = logger.child({ component: 'credo' })
  }

  /** Asked anew each time: a tenant's level may change while its wallet is open. */
  override isEnabled(level: CredoLevel): boolean {
    return this.#logger.isEnabled(levels[level], tenantInHand())
  }

  test(message: string, data?: object): void {
    this.#pass('trace', message, data)
  }

  trace(message: string, data?: object): void {
    this.#pass('trace', message, data)
  }

  debug(message: string, data?: object): void {
    this.#pass('debug', message, data)
  }

  info(message: string, data?: object): void {
    this.#pass('debug', message, data)
  }

  warn(message: string, data?: object): void {
    this.#pass('warn', message, data)
  }

  error(message: string, data?: object): void {
    this.#pass('error', message, data)
  }

  fatal(message: string, data?: object): void {
    this.#pass('fatal', message, data)
  }

  #pass(level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal', message: string, data?: object): void {
    const tenantId = tenantInHand()
    if (!this.#logger.isEnabled(level, tenantId)) return
    const error = errorOf(data)
    // Anybody can send what cannot be opened: its sender is told, and nobody is woken by it.
    const as = error instanceof EnvelopeError ? 'debug' : level
    this.#logger[as](fixedBeginning(message), { tenantId, error })
  }
}

/** Many parts of Credo are shared by all wallets, and log by the logger that they were made with. */
function tenantInHand(): string | undefined {
  const profile = currentUnit()?.profile
  return profile === BASE_PROFILE ? undefined : profile
}

function errorOf(data: unknown): Error | undefined {
  if (data instanceof Error) return data
  if (typeof data !== 'object' || data === null) return undefined
  const { error, cause, err } = data as Record<string, unknown>
  return [error, cause, err].find((value) => value instanceof Error)
}

/** Words after which Credo's texts put a value without a mark before it. */
const introducers = new Set('id ids did didurl key keys type to into endpoint websocket connection service'.split(' '))

const longest = 120

/**
 * The beginning of a text up to where a value may start: a word with a quote, bracket, colon, slash or digit, one that
 * is too long to be English, or any word after an introducer.
 */
export function fixedBeginning(text: string): string {
  const kept: string[] = []
  let length = 0
  for (const word of text.split(' ')) {
    length += word.length + 1
    const fixed =
      length <= longest && /^[A-Za-z-]{1,19}[.,]?$/.test(word) && !introducers.has(kept.at(-1)?.toLowerCase() ?? '')
    if (!fixed) return [...kept, '…'].join(' ')
    kept.push(word)
  }
  return text
}
