import pino from 'pino'
import { prettyFactory } from 'pino-pretty'
import { allowedFields } from './log-fields.js'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFormat = 'pretty' | 'json'

/** `message` is a fixed text; everything that varies goes into `fields`, of which only allow-listed names are kept. */
export type LogMethod = (message: string, fields?: object) => void

/** Fields that are not allow-listed (see log-fields.ts) are dropped. */
export interface Logger {
  readonly level: LogLevel
  /** Whether a line of this level would be written. */
  isEnabled(level: LogLevel): boolean
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
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return new PinoLogger(pino(options, { write: (line) => void stream.write(line) }))
}

function readable(sink: Sink, colorize: boolean): Sink {
  const format = prettyFactory({ colorize, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' })
  return { write: (line) => sink.write(format(line) ?? '') }
}

class PinoLogger implements Logger {
  readonly #pino: pino.Logger

  constructor(instance: pino.Logger) {
    this.#pino = instance
  }

  get level(): LogLevel {
    return this.#pino.level as LogLevel
  }

  isEnabled(level: LogLevel): boolean {
    return this.#pino.isLevelEnabled(level)
  }

  trace = (message: string, fields?: object) => this.#write('trace', message, fields)
  debug = (message: string, fields?: object) => this.#write('debug', message, fields)
  info = (message: string, fields?: object) => this.#write('info', message, fields)
  warn = (message: string, fields?: object) => this.#write('warn', message, fields)
  error = (message: string, fields?: object) => this.#write('error', message, fields)
  fatal = (message: string, fields?: object) => this.#write('fatal', message, fields)

  child(bindings: object): Logger {
    return new PinoLogger(this.#pino.child(allowedFields(bindings, false)))
  }

  #write(level: Exclude<LogLevel, 'silent'>, message: string, fields: object = {}): void {
    if (!this.#pino.isLevelEnabled(level)) return
    // Where something failed is what whoever is woken by it asks first.
    const verbose = level === 'error' || level === 'fatal' || this.#pino.isLevelEnabled('debug')
    this.#pino[level](allowedFields(fields, verbose), message)
  }
}
