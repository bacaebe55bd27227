import { Command } from 'commander'
import { newStoreKey } from '../config/secrets.js'

/** `tenantry new-store-key`: prints a key for a store that is yet to be made. It is kept nowhere. */
export function newStoreKeyCommand(): Command {
  return new Command('new-store-key')
    .description('print a new STORE_KEY, for a store that is yet to be made')
    .action(() => void process.stdout.write(`${newStoreKey()}\n`))
}
