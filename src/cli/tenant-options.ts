import type { Command } from 'commander'
import { ConfigError } from '../config/config-error.js'
import { readSecretFile } from '../config/env.js'
import { Problem } from '../lib/problem.js'
import { GatewayClient, type ImportedTenant } from './gateway-client.js'

/** Gives a command an option for a secret, which is read from a file or the environment and never from a flag. */
export function addSecretOption(command: Command, name: string, meaning: string): Command {
  return command.option(
    `--${flagOf(name)}-file <path>`,
    `file that holds ${meaning} (${name}_FILE, or itself: ${name})`,
  )
}

/** A secret of such an option. */
export function secretOf(command: Command, name: string): string | undefined {
  const option = `${flagOf(name).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}File`
  const path = command.opts<Record<string, string | undefined>>()[option] ?? process.env[`${name}_FILE`]
  return path ? readSecretFile(name, path) : process.env[name] || undefined
}

/** The gateway at `url`, as the operator whose key is given. @throws ConfigError */
export function gatewayOf(command: Command, url: string, ...names: string[]): GatewayClient {
  if (!/^https?:\/\//.test(url)) throw new ConfigError('URL', 'write it as http://… or https://…')
  for (const name of names) {
    const key = secretOf(command, name)
    if (key !== undefined) return new GatewayClient(url, key)
  }
  throw new ConfigError(names[0] as string, 'give the key of an operator with the scope ALL')
}

export interface FoundTenant {
  id: string
  name: string
  state: string
  keyMode: 'MANAGED' | 'UNMANAGED'
  queuedMessages: number
}

/** A tenant by its id, or its name. */
export async function findTenant(gateway: GatewayClient, tenant: string): Promise<FoundTenant | undefined> {
  const fields = 'id name state keyMode queuedMessages'
  const query = `query($id: ID, $name: String) { tenant(id: $id, name: $name) { ${fields} } }`
  const by = async (variables: object) => (await gateway.ask<FoundTenant | null>(query, variables)) ?? undefined
  return (await by({ id: tenant })) ?? by({ name: tenant })
}

/** @throws Problem where there is none */
export async function tenantAt(gateway: GatewayClient, tenant: string): Promise<FoundTenant> {
  const found = await findTenant(gateway, tenant)
  if (!found) throw new Problem(`There is no such tenant at ${gateway.url}. Give its id or its name.`)
  return found
}

/** Gives a command what can be said of the wallet at the gateway that a tenant comes to. */
export function addWalletOptions(command: Command): void {
  command
    .option('--name <name>', 'another name')
    .option('--key-mode <mode>', 'MANAGED or UNMANAGED', 'MANAGED')
    .option('--wallet-storage <kind>', 'PROFILE or STORE')
    .option('--wallet-key-derivation <kind>', 'RAW, ARGON2I_MOD or ARGON2I_INT')
}

/** How a wallet is to lie at the gateway that a tenant comes to, as the options say. */
export function walletInputOf(command: Command): object {
  const { name, keyMode, walletStorage, walletKeyDerivation } = command.opts<Record<string, string | undefined>>()
  return { name, keyMode, walletStorage, walletKeyDerivation, walletKey: secretOf(command, 'WALLET_KEY') }
}

export function tellImported({ tenant, token, notServed }: ImportedTenant): void {
  const lines = [
    `Imported ${tenant.name} (${tenant.id}): ${tenant.state}, ${tenant.keyMode}, ${tenant.walletStorage}.`,
    `Token, shown once: ${token}`,
    ...notServed.map((what) => `Not served here, as it is bound to another address, or taken: ${what}`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

const flagOf = (name: string) => name.toLowerCase().replaceAll('_', '-')
