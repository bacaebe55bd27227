import cluster from 'node:cluster'
import { Command } from 'commander'
import type { Config } from '../config/config.js'
import { ConfigError } from '../config/config-error.js'
import { type LoadedSecrets, loadSecrets, type Secrets } from '../config/secrets.js'
import { deferred } from '../lib/deferred.js'
import { GatewayError } from '../lib/errors.js'
import { createLogger, type Logger } from '../lib/logger.js'
import { version } from '../lib/version.js'
import { StoreError } from '../storage/errors.js'
import { databaseProblem, isOfDatabase } from './database-problem.js'
import { checkIndyNetworks } from './indy-check.js'
import { addSettingsOptions, settingsOf } from './settings-options.js'
import { instanceIdOf, type Served, superviseWorkers, tellServed } from './workers.js'

/** What this command needs of a gateway. */
export interface ServedGateway {
  /** Opens everything and listens. The URLs have the real port. */
  start(): Promise<{ url: string; explorerUrl: string }>
  /** Drains what is in hand and closes everything. */
  stop(): Promise<void>
}

export type CreateGateway = (parts: { config: Config; secrets: Secrets; logger: Logger }) => Promise<ServedGateway>

/** `tenantry serve`: runs until SIGTERM or SIGINT. What it prints is for people; the log goes to standard error. */
export function serveCommand(createGateway: CreateGateway): Command {
  const command = new Command('serve').description('run the gateway')
  return addSettingsOptions(command).action(() => serve(command, createGateway))
}

async function serve(command: Command, createGateway: CreateGateway): Promise<void> {
  const { raw, config: given, warnings } = settingsOf(command)
  const config = { ...given, instanceId: instanceIdOf(given.instanceId) }
  checkIndyNetworks(config)
  const loaded = loadSecrets(raw, config)
  const { secrets, warnings: secretWarnings } = loaded
  const onReady = (served: Served) => announce(served, loaded)
  const logger = createLogger({ level: config.logLevel, format: config.logFormat })
  logUncaught(logger)
  if (cluster.isPrimary) {
    for (const warning of [...warnings, ...secretWarnings]) logger.warn(warning)
    const { workers: count, instanceId } = config
    if (count > 1) process.exit(await superviseWorkers({ count, instanceId, logger, onReady }))
  }
  const stopSignal = firstSignal()
  let isMade = false
  // Until then there is nothing in hand to be finished, and it may be waiting for others.
  void stopSignal.then((signal) => {
    if (isMade) return
    logger.info('stopped before it began', { signal })
    process.exit(0)
  })
  const gateway = await start(config, logger, onReady, async () => {
    const made = await createGateway({ config, secrets, logger })
    isMade = true
    return made
  })
  const signal = await stopSignal
  logger.info('stopping', { signal })
  try {
    await gateway.stop()
  } catch (error) {
    logger.error('stop failed', { error })
    process.exit(1)
  }
  logger.info('stopped')
  process.exit(0)
}

async function start(
  config: Config,
  logger: Logger,
  onReady: (served: Served) => void,
  create: () => Promise<ServedGateway>,
): Promise<ServedGateway> {
  try {
    const gateway = await create()
    const served = await gateway.start()
    if (!tellServed(served)) onReady(served)
    return gateway
  } catch (error) {
    logger.debug('start failed', { error })
    process.stderr.write(`${startProblem(error, config)}\n`)
    process.exit(1)
  }
}

/** An operator key that this start made is told, one that an earlier start made is where it was laid. */
function announce({ url, explorerUrl }: Served, { generated, operatorKeyFile }: LoadedSecrets): void {
  if (generated.operatorKey) print(`Operator key: ${generated.operatorKey}`)
  else if (operatorKeyFile) print(`The operator key is in ${operatorKeyFile}`)
  print(`Tenantry ${version} is ready`)
  print(`URL: ${url}`)
  print(`Explorer: ${explorerUrl}`)
}

/** One line for what keeps a gateway from starting. Messages of unknown errors may hold a password and are left out. */
function startProblem(error: unknown, { host, port, databaseUrl }: Config): string {
  if (error instanceof ConfigError || error instanceof GatewayError) return error.message
  if (error instanceof StoreError)
    return 'The store could not be used. See whether its database is well and has connections left.'
  const { code, name } = error as { code?: unknown; name?: unknown }
  if (databaseUrl && isOfDatabase(error, databaseUrl)) {
    const { says, advice } = databaseProblem(String(code), databaseUrl)
    return `DATABASE_URL: ${says}. ${advice} See \`tenantry doctor\` for the rest.`
  }
  if (code === 'EADDRINUSE') return `PORT: ${port} on ${host} is taken, choose another or stop what listens there`
  if (code === 'EACCES') return `PORT: this user may not listen on ${port}, choose one above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `HOST: this machine has no address ${host}`
  return `Cannot start (${[name, code].filter(Boolean).join(' ')}). Run with LOG_LEVEL=debug to see where.`
}

/** The first signal asks for an orderly stop; a second one means now. */
function firstSignal(): Promise<NodeJS.Signals> {
  const first = deferred<NodeJS.Signals>()
  if (cluster.isWorker) {
    // A terminal's signals go to workers as well, whom the first process tells when to stop; without it they do.
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
    process.on('disconnect', () => first.resolve('SIGTERM'))
    process.on('SIGTERM', first.resolve)
    return first.promise
  }
  let asked = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) process.exit(1)
    asked = true
    first.resolve(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return first.promise
}

/** Node would print the message, which may hold content. State after an exception is unknown, so the process ends. */
function logUncaught(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal('uncaught exception', { error })
    process.exit(1)
  })
  process.on('unhandledRejection', (error) => logger.error('unhandled rejection', { error }))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
