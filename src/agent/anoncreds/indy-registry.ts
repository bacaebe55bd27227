import {
  didIndyCredentialDefinitionIdRegex,
  didIndyRegex,
  didIndyRevocationRegistryIdRegex,
  didIndySchemaIdRegex,
  unqualifiedCredentialDefinitionIdRegex,
  unqualifiedRevocationRegistryIdRegex,
  unqualifiedSchemaIdRegex,
} from '@credo-ts/anoncreds'
import { LedgerRegistry } from './ledger-registry.js'

const IDENTIFIERS = [
  didIndyRegex,
  didIndySchemaIdRegex,
  didIndyCredentialDefinitionIdRegex,
  didIndyRevocationRegistryIdRegex,
  unqualifiedSchemaIdRegex,
  unqualifiedCredentialDefinitionIdRegex,
  unqualifiedRevocationRegistryIdRegex,
]

/** AnonCreds objects of Indy ledgers. */
export class IndyRegistry extends LedgerRegistry {
  readonly methodName = 'indy'
  readonly supportedIdentifier = new RegExp(IDENTIFIERS.map(({ source }) => source).join('|'))
}
