import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { startBackchannel } from './backchannel/server.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

interface Options {
  port: number
  host: string
  gateway: string
  token?: string
}

const portOf = (text: string) => {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw new InvalidArgumentError('Not a port.')
}

const program = new Command('backchannel')
  .description('The backchannel of the Agent Test Harness in front of one tenant of a gateway')
  .requiredOption('--port <port>', 'where the harness finds it', portOf)
  .option('--host <host>', 'the address it listens at', '127.0.0.1')
  .option('--gateway <url>', 'of the gateway', process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:4000')
  .option('--token <token>', 'of the tenant, with all scopes; or TENANT_TOKEN in the environment')
  .action(async ({ port, host, gateway, token = process.env['TENANT_TOKEN'] }: Options) => {
    if (!token) return program.error('Give --token, or TENANT_TOKEN in the environment')
    const backchannel = await startBackchannel({ port, host, gateway, token, version })
    console.log(`Listening at ${backchannel.url}, for a tenant of ${gateway}`)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => backchannel.stop())
  })

await program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
