import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { base58Decode } from '../lib/base58.js'
import { Problem } from '../lib/problem.js'
import { type QueuedMessage, unpackArchive } from '../tenants/tenant-archive.js'
import { auditOf, type GatewayClient } from './gateway-client.js'
import { counting } from './progress.js'
import {
  addSecretOption,
  addWalletOptions,
  type FoundTenant,
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
  start?: true
  keep?: true
  yes?: true
}

/**
 * `tenantry tenant move`: the tenant is suspended at the one gateway, made at the other of what it was then, and deleted
 * at the first only once that went well and, with `--yes` or when asked, whoever moves it says so. A run that was cut,
 * wherever that was, is gone on with by the same command.
 */
export function moveCommand(): Command {
  const command = new Command('move')
    .description('take a tenant from one running gateway to another; again after a run that was cut')
    .requiredOption('--from <url>', 'the gateway that it is at')
    .requiredOption('--to <url>', 'the gateway that it goes to')
    .requiredOption('--tenant <id or name>', 'the tenant')
    .option('--start', 'let it go on at the second one though it is suspended, as a run that was cut leaves it')
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
  const tenant = await findTenant(from, options.tenant)
  if (!tenant) return sayDone(from, to, options.tenant)
  const there = await findTenant(to, tenant.id)
  const moved = there ? await movedBefore(from, to, tenant) : await bring(command, from, to, tenant, walletKey)
  if (!(await isToGo(options))) {
    print(`It stays at ${from.url}, suspended. Delete it there once the endpoint leads to ${to.url}.`)
    return
  }
  await forward(from, to, tenant.id, walletKey, moved)
  await from.ask(DELETE, { input: { tenantId: tenant.id, walletKey } })
  print(`Deleted at ${from.url}.`)
}

/** Makes the tenant at the second gateway. @returns how many messages that wait have gone along */
async function bring(
  command: Command,
  from: GatewayClient,
  to: GatewayClient,
  tenant: FoundTenant,
  walletKey: string | undefined,
): Promise<number> {
  const wasSuspended = tenant.state === 'SUSPENDED'
  const suspended = wasSuspended && !command.opts<MoveOptions>().start
  if (!wasSuspended) await from.ask(SUSPEND, { id: tenant.id })
  try {
    const { exportKey, length, bytes } = await from.exportTenant({ tenantId: tenant.id, walletKey })
    const input = { exportKey, suspended, ...walletInputOf(command) }
    const arrived = await to.importTenant(input, counting('Moving', length, bytes))
    tellImported(arrived)
    if (suspended) {
      print(
        `It is suspended at ${to.url}, as it was at ${from.url}. If a run that was cut had done that, resume it there.`,
      )
    }
    return arrived.queuedMessages
  } catch (error) {
    // Where the answer did not come, the tenant may be there all the same: two of it must not go on.
    const mayBeThere = await findTenant(to, tenant.id).then(Boolean, () => true)
    const goesOn =
      !mayBeThere &&
      !wasSuspended &&
      (await from.ask(RESUME, { id: tenant.id }).then(
        () => true,
        () => false,
      ))
    const state = mayBeThere ? `It may be at ${to.url}, and` : `Nothing of it is at ${to.url}, and it`
    const advice = goesOn ? '' : ' Run the same again to go on.'
    throw new Problem(
      `${(error as Error).message}\nThe move failed. ${state} ${goesOn ? 'goes on' : 'stays suspended'} at ${from.url}.${advice}`,
    )
  }
}

/**
 * The tenant is at both gateways. It may be deleted at the first one only where a run that was cut has left it so: it is
 * suspended there, and has not gone on since the archive was made that the second has taken in.
 * @returns how many messages that wait went along then
 * @throws Problem
 */
async function movedBefore(from: GatewayClient, to: GatewayClient, tenant: FoundTenant): Promise<number> {
  const [imported] = (await auditOf(to, tenant.id)).filter(({ action }) => action === 'TENANT_IMPORTED').slice(-1)
  const here = await auditOf(from, tenant.id)
  const at = here.findIndex(
    ({ action, details }) => action === 'TENANT_EXPORTED' && details.archiveId === imported?.details.archiveId,
  )
  const hasGoneOn = at < 0 || here.slice(at).some(({ action }) => action === 'TENANT_RESUMED')
  if (tenant.state !== 'SUSPENDED' || !imported || hasGoneOn) {
    throw new Problem(
      `The tenant is at ${to.url} already; ${tenant.queuedMessages} messages wait for it at ${from.url}. Delete it at one of them.`,
    )
  }
  print(`It is at ${to.url} by a run that was cut. Going on; if its token was not told, make one by createTenantToken.`)
  return imported.details.queuedMessages ?? 0
}

/** The tenant is not at the first gateway: a run that was cut may have done all of it. @throws Problem where none has */
async function sayDone(from: GatewayClient, to: GatewayClient, tenant: string): Promise<void> {
  const there = await findTenant(to, tenant)
  const here = there ? await auditOf(from, there.id) : []
  if (!here.some(({ action }) => action === 'TENANT_DELETED')) {
    throw new Problem(`There is no such tenant at ${from.url}. Give its id or its name.`)
  }
  print(`It is at ${to.url}, and deleted at ${from.url}: there is nothing left to do.`)
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
