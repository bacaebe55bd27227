import { Command } from 'commander'
import { Problem } from '../lib/problem.js'
import type { GatewayClient } from './gateway-client.js'
import { addSecretOption, gatewayOf } from './tenant-options.js'

interface Keys {
  known: number
  pending: number
}

/** How often it is looked at how far it is, and how long without a step (ms). */
const LOOK_MS = 200
const STILL_MS = 60_000

/** `tenantry mediation …`: mediators of a running gateway's base wallet, by its API. */
export function mediationCommand(): Command {
  const command = new Command('mediation').description("the base wallet's mediators")
  return command.addCommand(syncCommand().exitOverride())
}

function syncCommand(): Command {
  const command = new Command('sync')
    .description('register all keys anew, after a mediator has lost some')
    .requiredOption('--url <url>', 'the gateway')
    .option('--grant <id>', 'one mediator; all that have granted mediation unless it is given')
  addSecretOption(command, 'OPERATOR_KEY', 'the operator key')
  return command.action(() => sync(command))
}

async function sync(command: Command): Promise<void> {
  const { url, grant: wanted } = command.opts<{ url: string; grant?: string }>()
  const gateway = gatewayOf(command, url, 'OPERATOR_KEY')
  const grants = await gateway.ask<{ id: string; state: string; endpoint: string }[]>(
    '{ mediationGrants { id state endpoint } }',
    {},
  )
  const chosen = grants.filter(({ id, state }) => (wanted === undefined ? state === 'GRANTED' : id === wanted))
  if (chosen.length === 0) throw new Problem('There is no such mediator. See mediationGrants.')
  for (const { id, endpoint } of chosen) {
    await gateway.ask('mutation($id: ID!) { syncMediator(grantId: $id) { mediationGrant { id } } }', { id })
    process.stdout.write(`${endpoint} knows ${await untilTold(gateway, id)} keys\n`)
  }
}

/** Waits until a mediator has been told of all keys. @returns how many it knows */
async function untilTold(gateway: GatewayClient, id: string): Promise<number> {
  const query = 'query($id: ID!) { mediatorKeys(grantId: $id) { known pending } }'
  let [least, at] = [Number.POSITIVE_INFINITY, Date.now()]
  for (;;) {
    const { known, pending } = await gateway.ask<Keys>(query, { id })
    if (pending === 0) return known
    if (pending < least) [least, at] = [pending, Date.now()]
    if (Date.now() - at > STILL_MS) throw new Problem(`The mediator does not answer: ${pending} keys wait for it.`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
