import {
  didIndyCredentialDefinitionIdRegex,
  didIndyRegex,
  didIndySchemaIdRegex,
  unqualifiedCredentialDefinitionIdRegex,
  unqualifiedSchemaIdRegex,
} from '@credo-ts/anoncreds'
import { didIndyRegistryId, unqualifiedRegistryId } from '../linear-patterns.js'
import { LedgerRegistry } from './ledger-registry.js'

const IDENTIFIERS = [
  didIndyRegex,
  didIndySchemaIdRegex,
  didIndyCredentialDefinitionIdRegex,
  didIndyRegistryId,
  unqualifiedSchemaIdRegex,
  unqualifiedCredentialDefinitionIdRegex,
  unqualifiedRegistryId,
]

/** AnonCreds objects of Indy ledgers. */
export class IndyRegistry extends LedgerRegistry {
  readonly methodName = 'indy'
  readonly supportedIdentifier = new RegExp(IDENTIFIERS.map(({ source }) => source).join('|'))
}
