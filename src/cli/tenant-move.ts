import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { base58Decode } from '../lib/base58.js'
import { Problem } from '../lib/problem.js'
import { type QueuedMessage, unpackArchive } from '../tenants/tenant-archive.js'
import type { GatewayClient, ImportedTenant } from './gateway-client.js'
import { counting } from './progress.js'
import {
  addSecretOption,
  addWalletOptions,
  findTenant,
  gatewayOf,
  secretOf,
  tellImported,
  tenantAt,
  walletInputOf,
} from './tenant-options.js'

const SUSPEND = 'mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { state } } }'
const RESUME = 'mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { state } } }'
const DELETE = 'mutation($input: DeleteTenantInput!) { deleteTenant(input: $input) { deletedTenantId } }'

interface MoveOptions {
  from: string
  to: string
  tenant: string
  keep?: true
  yes?: true
}

/**
 * `tenantry tenant move`: the tenant is suspended at the one gateway, made at the other of what it was then, and deleted
 * at the first only once that went well and, with `--yes` or when asked, whoever moves it says so.
 */
export function moveCommand(): Command {
  const command = new Command('move')
    .description('take a tenant from one running gateway to another')
    .requiredOption('--from <url>', 'the gateway that it is at')
    .requiredOption('--to <url>', 'the gateway that it goes to')
    .requiredOption('--tenant <id or name>', 'the tenant')
    .option('--keep', 'leave it at the first one, suspended')
    .option('--yes', 'delete it at the first one without asking')
  addWalletOptions(command)
  addSecretOption(
    command,
    'OPERATOR_KEY',
    'the operator key of the first gateway, and of the second where none is given',
  )
  addSecretOption(command, 'TO_OPERATOR_KEY', 'the operator key of the second')
  addSecretOption(command, 'FROM_WALLET_KEY', 'the key of an unmanaged wallet at the first one')
  addSecretOption(command, 'WALLET_KEY', 'the key that the wallet is to have at the second one')
  return command.action(() => move(command))
}

async function move(command: Command): Promise<void> {
  const options = command.opts<MoveOptions>()
  const from = gatewayOf(command, options.from, 'OPERATOR_KEY')
  const to = gatewayOf(command, options.to, 'TO_OPERATOR_KEY', 'OPERATOR_KEY')
  const walletKey = secretOf(command, 'FROM_WALLET_KEY')
  const tenant = await tenantAt(from, options.tenant)
  if (await findTenant(to, tenant.id)) {
    throw new Problem(
      `The tenant is at ${to.url} already; ${tenant.queuedMessages} messages wait for it at ${from.url}. Delete it at one of them.`,
    )
  }
  const wasSuspended = tenant.state === 'SUSPENDED'
  if (!wasSuspended) await from.ask(SUSPEND, { id: tenant.id })
  let arrived: ImportedTenant
  try {
    const { exportKey, length, bytes } = await from.exportTenant({ tenantId: tenant.id, walletKey })
    const input = { exportKey, suspended: wasSuspended, ...walletInputOf(command) }
    arrived = await to.importTenant(input, counting('Moving', length, bytes))
  } catch (error) {
    // Where the answer did not come, the tenant may be there all the same: two of it must not go on.
    const mayBeThere = await findTenant(to, tenant.id).then(Boolean, () => true)
    if (!mayBeThere && !wasSuspended) await from.ask(RESUME, { id: tenant.id })
    const state = mayBeThere
      ? `It may be at ${to.url}, and stays suspended`
      : `Nothing of it is at ${to.url}, and it ${wasSuspended ? 'stays' : 'goes on'}`
    throw new Problem(`${(error as Error).message}\nThe move failed. ${state} at ${from.url}.`)
  }
  tellImported(arrived)
  if (!(await isToGo(options))) {
    print(`It stays at ${from.url}, suspended. Delete it there once the endpoint leads to ${to.url}.`)
    return
  }
  await forward(from, to, tenant.id, walletKey, arrived.queuedMessages)
  await from.ask(DELETE, { input: { tenantId: tenant.id, walletKey } })
  print(`Deleted at ${from.url}.`)
}

/** Whether the tenant is to be deleted at the first gateway. */
async function isToGo({ from, to, keep, yes }: MoveOptions): Promise<boolean> {
  if (keep || yes) return yes === true && !keep
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`Point the endpoint to ${to} now. Delete the tenant at ${from}? [y/N] `)
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}

/** Hands over what has come to the first gateway since, beyond the messages that went along, until no more comes. */
async function forward(
  from: GatewayClient,
  to: GatewayClient,
  tenantId: string,
  walletKey: string | undefined,
  moved: number,
): Promise<void> {
  for (let done = moved; (await tenantAt(from, tenantId)).queuedMessages > done; ) {
    const queue = await queueOf(from, tenantId, walletKey)
    for (const { envelope } of queue.slice(done)) await to.deliver(envelope)
    print(`Forwarded what has come meanwhile: ${queue.length - done}.`)
    done = queue.length
  }
}

/** All that waits at a gateway, from an archive that is read for nothing else. */
async function queueOf(
  gateway: GatewayClient,
  tenantId: string,
  walletKey: string | undefined,
): Promise<QueuedMessage[]> {
  const { exportKey, bytes } = await gateway.exportTenant({ tenantId, walletKey })
  const { queue, store } = await unpackArchive(base58Decode(exportKey), bytes)
  for await (const _ of store);
  return queue
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
