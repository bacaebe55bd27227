import { didIndyRevocationRegistryIdRegex, unqualifiedRevocationRegistryIdRegex } from '@credo-ts/anoncreds'
import { Jwt } from '@credo-ts/core'

/**
 * Patterns that match what those of Credo do, each part of a text in one way only. Credo's try what comes before the last
 * separator, and what comes behind it, in all ways: that takes the square of a length that others choose.
 */

Jwt.format = /^[\w=-]+\.[\w=-][\w.+/=-]*$/

const INDY_DID = '(did:indy:((?:[a-z][_a-z0-9-]*)(?::[a-z][_a-z0-9-]*)?):([1-9A-HJ-NP-Za-km-z]{21,22}))'

export const didIndyRegistryId = new RegExp(
  `^${INDY_DID}/anoncreds/v0/REV_REG_DEF/([1-9][0-9]*)/(.+)/([^/\\n\\r\\u2028\\u2029]+/?|/)$`,
)

export const unqualifiedRegistryId =
  /^([a-zA-Z0-9]{21,22}):4:[a-zA-Z0-9]{21,22}:3:CL:([1-9][0-9]*):(.+):CL_ACCUM:((?:(?!:CL_ACCUM:.).)+)$/

// Where the library uses its own.
didIndyRevocationRegistryIdRegex.exec = didIndyRegistryId.exec.bind(didIndyRegistryId)
unqualifiedRevocationRegistryIdRegex.exec = unqualifiedRegistryId.exec.bind(unqualifiedRegistryId)
