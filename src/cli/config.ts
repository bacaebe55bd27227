import { Command } from 'commander'
import { printableConfig } from '../config/config.js'
import { configurationReference } from '../config/reference.js'
import { checkSecrets } from '../config/secrets.js'
import { addSettingsOptions, settingsOf } from './settings-options.js'

/** `tenantry config`: what a start with the same flags and environment would run by. Makes and opens nothing. */
export function configCommand(): Command {
  const command = new Command('config').description('print the settings in effect, without secrets')
  addSettingsOptions(command).option('--reference', 'print docs/configuration.md instead')
  return command.action((options: { reference?: boolean }) => {
    if (options.reference) {
      process.stdout.write(configurationReference())
      return
    }
    const { raw, config, warnings } = settingsOf(command)
    checkSecrets(raw, config)
    for (const warning of warnings) process.stderr.write(`${warning}\n`)
    process.stdout.write(`${JSON.stringify(printableConfig(config), null, 2)}\n`)
  })
}
