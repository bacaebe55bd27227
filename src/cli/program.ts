import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/config-error.js'
import { Problem } from '../lib/problem.js'
import { version } from '../lib/version.js'
import { backupCommand } from './backup.js'
import { configCommand } from './config.js'
import { doctorCommand } from './doctor.js'
import { mediationCommand } from './mediation.js'
import { newStoreKeyCommand } from './new-store-key.js'
import { restoreCommand } from './restore.js'
import { rotateStoreKeyCommand } from './rotate-store-key.js'
import { schemaCommand } from './schema.js'
import { type CreateGateway, serveCommand } from './serve.js'
import { tenantCommand } from './tenant.js'

/** Exit status of a wrong setting or a wrong use of the command. */
const misuse = 2

/** The command line, made of one file a command. */
export function createProgram(createGateway: CreateGateway): Command {
  const program = new Command('tenantry')
    .description('GraphQL multi-tenant gateway for DIDComm and AnonCreds wallets')
    .version(version)
  const commands = [
    serveCommand(createGateway),
    configCommand(),
    schemaCommand(),
    doctorCommand(),
    backupCommand(),
    restoreCommand(),
    newStoreKeyCommand(),
    rotateStoreKeyCommand(),
    tenantCommand(),
    mediationCommand(),
  ]
  for (const command of commands) program.addCommand(command)
  for (const command of [program, ...program.commands]) command.exitOverride()
  return program
}

/**
 * Runs the command line and sets the exit status: 2 with one line for a wrong setting or flag, 1 for a problem.
 *
 * @param args what follows the program's name
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof ConfigError || error instanceof Problem) process.stderr.write(`${error.message}\n`)
    else if (!(error instanceof CommanderError)) throw error
    if (error instanceof Problem) process.exitCode = 1
    else process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : misuse
  }
}
