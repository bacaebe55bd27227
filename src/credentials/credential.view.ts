import type { RecordJson, RecordObserver } from '../agent/ports.js'
import type { Entry, Tags } from '../storage/entry.js'
import { recordOf } from '../tenants/wallet-reader.js'
import type { CredentialType } from './credential.type.js'

/** Where AnonCreds keeps credentials since Credo 0.5: as W3C credentials, with what AnonCreds knows in tags. */
export const CREDENTIAL_RECORD = 'W3cCredentialRecord'

interface Stored {
  credentialInstances?: { credential: W3c }[]
  credential?: W3c
  metadata?: { '_w3c/anonCredsMetadata'?: { credentialRevocationId?: string } }
}

type W3c =
  | string
  | {
      issuer?: string | { id?: string }
      credentialSubject?: Record<string, unknown>
    }

/** A stored credential as the API shows it. */
export function credentialView(entry: Entry, revoked: boolean | null): CredentialType {
  const record = recordOf(entry)
  const stored = record as RecordJson & Stored
  const credential = stored.credentialInstances?.[0]?.credential ?? stored.credential
  if (typeof credential !== 'object')
    return {
      ...bare(record),
      format: 'W3C_JWT',
      issuerDid: null,
      attributes: {},
      schemaId: null,
      credentialDefinitionId: null,
      revoked: null,
    }
  const { issuer, credentialSubject } = credential
  const { id: _, ...attributes } = credentialSubject ?? {}
  const isRevocable = stored.metadata?.['_w3c/anonCredsMetadata']?.credentialRevocationId != null
  return {
    ...bare(record),
    format: 'ANONCREDS',
    issuerDid: (typeof issuer === 'string' ? issuer : issuer?.id) ?? null,
    // The W3C form has numbers for some of them; AnonCreds knows text.
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)])),
    // The W3C form has neither.
    schemaId: textOf(entry.tags, 'anonCredsSchemaId'),
    credentialDefinitionId: textOf(entry.tags, 'anonCredsCredentialDefinitionId'),
    revoked: isRevocable ? revoked : null,
  }
}

function textOf(tags: Tags, name: string): string | null {
  const value = tags[name]
  return typeof value === 'string' ? value : null
}

const bare = (record: RecordJson) => ({ id: record.id, createdAt: String(record['createdAt']) })

/** Lists the credentials of a wallet. */
export function credentialObserver(): RecordObserver {
  return { type: CREDENTIAL_RECORD, list: () => 'credentials' }
}
