import { createRequire } from 'node:module'
import pino from 'pino'
import { allowedFields } from './log-fields.js'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFormat = 'pretty' | 'json'

/** `message` is a fixed text; everything that varies goes into `fields`, of which only allow-listed names are kept. */
export type LogMethod = (message: string, fields?: object) => void

/** Fields that are not allow-listed (see log-fields.ts) are dropped. */
export interface Logger {
  /** Of a child with a tenant's id: that tenant's. */
  readonly level: LogLevel
  /** Whether a line of this level would be written; of a tenant where its id is given. */
  isEnabled(level: LogLevel, tenantId?: string): boolean
  /** From now on lines that carry this tenant's id have a level of their own; null: that of all others. */
  setTenantLevel(tenantId: string, level: LogLevel | null): void
  trace: LogMethod
  debug: LogMethod
  info: LogMethod
  warn: LogMethod
  error: LogMethod
  fatal: LogMethod
  /** A logger whose every line carries `bindings`: `child({ tenantId })` for all of a tenant's work. */
  child(bindings: object): Logger
}

interface Sink {
  write(line: string): unknown
}

export interface LoggerOptions {
  level: LogLevel
  format: LogFormat
  /** Where lines go; standard error unless given, as standard output is for what a command prints. */
  destination?: Sink
}

/** Makes the root logger. It writes synchronously, so that nothing is lost when the process ends. */
export function createLogger({ level, format, destination }: LoggerOptions): Logger {
  const sink = destination ?? pino.destination({ fd: 2, sync: true })
  const stream = format === 'json' ? sink : readable(sink, destination === undefined && process.stderr.isTTY === true)
  const options = {
    // Which lines are written is decided here, line by line: a tenant may have more or less than the others.
    level: 'trace',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return new PinoLogger(pino(options, { write: (line) => void stream.write(line) }), new Levels(level))
}

function readable(sink: Sink, colorize: boolean): Sink {
  // Loaded only where people read the lines.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
  const format = prettyFactory({ colorize, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' })
  return { write: (line) => sink.write(format(line) ?? '') }
}

/** The level of all lines, and those of the tenants that have one of their own. One object for a logger and its children. */
class Levels {
  private readonly ofTenants = new Map<string, LogLevel>()

  constructor(private readonly common: LogLevel) {}

  set(tenantId: string, level: LogLevel | null): void {
    if (level === null) this.ofTenants.delete(tenantId)
    else this.ofTenants.set(tenantId, level)
  }

  of(tenantId: unknown): LogLevel {
    if (this.ofTenants.size === 0) return this.common
    return this.ofTenants.get(tenantId as string) ?? this.common
  }
}

const rank = Object.fromEntries(logLevels.map((level, index) => [level, index])) as Record<LogLevel, number>

class PinoLogger implements Logger {
  readonly #pino: pino.Logger
  readonly #levels: Levels
  readonly #tenantId: string | undefined

  constructor(instance: pino.Logger, levels: Levels, tenantId?: string) {
    this.#pino = instance
    this.#levels = levels
    this.#tenantId = tenantId
  }

  get level(): LogLevel {
    return this.#levels.of(this.#tenantId)
  }

  isEnabled(level: LogLevel, tenantId?: string): boolean {
    return level !== 'silent' && rank[level] >= rank[this.#levels.of(this.#tenantId ?? tenantId)]
  }

  setTenantLevel(tenantId: string, level: LogLevel | null): void {
    this.#levels.set(tenantId, level)
  }

  trace = (message: string, fields?: object) => this.#write('trace', message, fields)
  debug = (message: string, fields?: object) => this.#write('debug', message, fields)
  info = (message: string, fields?: object) => this.#write('info', message, fields)
  warn = (message: string, fields?: object) => this.#write('warn', message, fields)
  error = (message: string, fields?: object) => this.#write('error', message, fields)
  fatal = (message: string, fields?: object) => this.#write('fatal', message, fields)

  child(bindings: { tenantId?: string }): Logger {
    const child = this.#pino.child(allowedFields(bindings, false))
    return new PinoLogger(child, this.#levels, bindings.tenantId ?? this.#tenantId)
  }

  #write(level: Exclude<LogLevel, 'silent'>, message: string, fields: { tenantId?: unknown } = {}): void {
    const least = rank[this.#levels.of(this.#tenantId ?? fields.tenantId)]
    if (rank[level] < least) return
    // Where something failed is what whoever is woken by it asks first.
    const verbose = level === 'error' || level === 'fatal' || rank.debug >= least
    const kept = allowedFields(fields, verbose)
    // It is among the bindings already.
    if (this.#tenantId !== undefined) delete kept['tenantId']
    this.#pino[level](kept, message)
  }
}
