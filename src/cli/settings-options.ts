import type { Command } from 'commander'
import { type Config, parseConfig } from '../config/config.js'
import { type RawSettings, readSettings } from '../config/env.js'
import { flagName, type SettingName, settings } from '../config/settings.js'
import { Policies } from '../tenants/policy.js'

/** Gives a command one flag per setting, or for some of them, and `--config` for the file. */
export function addSettingsOptions(command: Command, names?: readonly SettingName[]): Command {
  command.option('--config <file>', 'JSON file of settings (CONFIG_FILE)')
  for (const { name, meaning, secret, ...setting } of settings) {
    if (names && !names.includes(name)) continue
    const fallback = setting.default ?? setting.defaultText?.replaceAll('`', '')
    command.option(`${flagName(name)} <value>`, `${meaning.replaceAll('`', '')} (${name}, default: ${fallback})`)
    if (secret) command.option(`${flagName(name)}-file <path>`, `File that holds it (${name}_FILE)`)
  }
  return command
}

/**
 * The settings in effect, from a command's flags, the environment and the config file.
 *
 * @throws ConfigError for the first wrong one
 */
export function settingsOf(command: Command): { raw: RawSettings; config: Config; warnings: string[] } {
  const { config: configFile, reference: _, ...flags } = command.opts<Record<string, string | undefined>>()
  const raw = readSettings({ flags, configFile })
  const parsed = parseConfig(raw)
  // What the keys of a policy mean is known only above the configuration.
  Policies.create(parsed.config.defaultPolicy)
  return { raw, ...parsed }
}
