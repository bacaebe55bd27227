import type { Askar, SetCustomLoggerOptions } from '@openwallet-foundation/askar-shared'
import koffi from 'koffi'
import { takeCurrentError } from './errors.js'
import type { Pointer } from './functions.js'
import type { Native } from './native.js'
import { logCallbackType, takeText } from './native-library.js'

type LogMethods = Pick<
  Askar,
  'version' | 'getCurrentError' | 'clearCustomLogger' | 'setCustomLogger' | 'setDefaultLogger' | 'setMaxLogLevel'
>

/** Version, last error and logging. The library takes one logger in the life of a process. */
export function logMethods({ functions, check }: Native): LogMethods {
  let logger: SetCustomLoggerOptions['logger'] | undefined
  let callback: Pointer | undefined

  return {
    version: () => takeText(functions, functions.askar_version()) ?? '',
    getCurrentError: () => takeCurrentError(functions),

    /**
     * Sends the library's log to `logger`; called again, it replaces logger and level. `enabled` and `flush` are
     * callbacks in the C header but booleans here, so they are not passed on: the level decides what is logged.
     */
    setCustomLogger(options) {
      if (logger) {
        check(functions.askar_set_max_log_level(options.logLevel))
        logger = options.logger
        return
      }
      callback ??= koffi.register(
        (...entry: Parameters<SetCustomLoggerOptions['logger']>) => logger?.(...entry),
        koffi.pointer(logCallbackType),
      )
      logger = options.logger
      try {
        check(functions.askar_set_custom_logger(null, callback, null, null, options.logLevel))
      } catch (error) {
        logger = undefined
        throw error
      }
    },

    clearCustomLogger() {
      functions.askar_clear_custom_logger()
      logger = undefined
    },

    setDefaultLogger: () => check(functions.askar_set_default_logger()),
    setMaxLogLevel: ({ logLevel }) => check(functions.askar_set_max_log_level(logLevel)),
  }
}
