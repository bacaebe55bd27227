import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { readSecretFile } from '../config/env.js'
import { writeSecret } from '../config/secret-file.js'
import { Problem } from '../lib/problem.js'
import { counting } from './progress.js'
import { importCredoCommand } from './tenant-import-credo.js'
import { moveCommand } from './tenant-move.js'
import {
  addSecretOption,
  addWalletOptions,
  gatewayOf,
  secretOf,
  tellImported,
  tenantAt,
  walletInputOf,
} from './tenant-options.js'

/** `tenantry tenant …`: tenants of running gateways, by their API. */
export function tenantCommand(): Command {
  const command = new Command('tenant').description('take a tenant from one running gateway to another')
  for (const part of [exportCommand(), importCommand(), moveCommand(), importCredoCommand()]) {
    command.addCommand(part.exitOverride())
  }
  return command
}

function exportCommand(): Command {
  const command = new Command('export')
    .description('write a tenant into one sealed file')
    .requiredOption('--url <url>', 'the gateway')
    .requiredOption('--tenant <id or name>', 'the tenant')
    .requiredOption(
      '--out <file>',
      'the file, which must not be there yet; the key that opens it is written to <file>.key',
    )
  addSecretOption(command, 'OPERATOR_KEY', 'the operator key')
  addSecretOption(command, 'WALLET_KEY', 'the key of an unmanaged wallet')
  return command.action(() => exportTenant(command))
}

function importCommand(): Command {
  const command = new Command('import')
    .description('make a tenant of a sealed file')
    .requiredOption('--url <url>', 'the gateway')
    .requiredOption('--from <file>', 'the file; the key that opens it is read from <file>.key unless it is given')
    .option('--suspended', 'let it wait until it is resumed')
  addWalletOptions(command)
  addSecretOption(command, 'OPERATOR_KEY', 'the operator key')
  addSecretOption(command, 'EXPORT_KEY', 'the key of the file')
  addSecretOption(command, 'WALLET_KEY', 'the key that the wallet is to have')
  return command.action(() => importTenant(command))
}

async function exportTenant(command: Command): Promise<void> {
  const { url, tenant: wanted, out } = command.opts<{ url: string; tenant: string; out: string }>()
  const gateway = gatewayOf(command, url, 'OPERATOR_KEY')
  const tenant = await tenantAt(gateway, wanted)
  if (statSync(out, { throwIfNoEntry: false })) throw new Problem(`${out} is there already. Choose another file.`)
  const { exportKey, length, bytes } = await gateway.exportTenant({
    tenantId: tenant.id,
    walletKey: secretOf(command, 'WALLET_KEY'),
  })
  const draft = `${out}.part`
  try {
    await pipeline(counting('Exporting', length, bytes), createWriteStream(draft, { mode: 0o600, flags: 'w' }))
    writeSecret(`${out}.key`, exportKey)
    renameSync(draft, out)
  } catch (error) {
    rmSync(draft, { force: true })
    if (error instanceof Problem) throw error
    throw new Problem(`The export failed, nothing of it is left: ${(error as Error).message}`)
  }
  print(`Exported ${tenant.name} (${tenant.id}), ${length} bytes.`)
  print(`File: ${out}`)
  print(`Key:  ${out}.key. Keep it apart from the file: together they are the tenant.`)
}

async function importTenant(command: Command): Promise<void> {
  const { url, from, suspended } = command.opts<{ url: string; from: string; suspended?: true }>()
  const gateway = gatewayOf(command, url, 'OPERATOR_KEY')
  const size = statSync(from, { throwIfNoEntry: false })?.size
  if (size === undefined) throw new Problem(`${from} cannot be read`)
  const exportKey = secretOf(command, 'EXPORT_KEY') ?? readSecretFile('EXPORT_KEY', `${from}.key`)
  const input = { exportKey, suspended, ...walletInputOf(command) }
  tellImported(await gateway.importTenant(input, counting('Importing', size, createReadStream(from))))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
