import { HELD_AS } from '../agent/exchanges/data-integrity-format.js'
import type { RecordJson, RecordObserver } from '../agent/ports.js'
import type { Entry, Tags } from '../storage/entry.js'
import { recordOf } from '../tenants/wallet-reader.js'
import type { CredentialType } from './credential.type.js'

/** Where AnonCreds keeps credentials since Credo 0.5: as W3C credentials, with what AnonCreds knows in tags. */
export const CREDENTIAL_RECORD = 'W3cCredentialRecord'

interface Stored {
  credentialInstances?: { credential: W3c | string }[]
  credential?: W3c | string
  metadata?: { '_w3c/anonCredsMetadata'?: { credentialRevocationId?: string }; [HELD_AS]?: { format: string } }
}

interface W3c {
  issuer?: string | { id?: string }
  credentialSubject?: Record<string, unknown>
}

/** A stored credential as the API shows it. */
export function credentialView(entry: Entry, revoked: boolean | null): CredentialType {
  const record = recordOf(entry)
  const stored = record as RecordJson & Stored
  const secured = stored.credentialInstances?.[0]?.credential ?? stored.credential ?? {}
  const { issuer, credentialSubject } = typeof secured === 'string' ? credentialIn(secured) : secured
  const { id: _, ...attributes } = credentialSubject ?? {}
  const anoncreds = stored.metadata?.['_w3c/anonCredsMetadata']
  return {
    ...{ id: record.id, createdAt: String(record['createdAt']) },
    format:
      typeof secured === 'string'
        ? 'W3C_JWT'
        : anoncreds && !stored.metadata?.[HELD_AS]
          ? 'ANONCREDS'
          : 'DATA_INTEGRITY',
    issuerDid: (typeof issuer === 'string' ? issuer : issuer?.id) ?? null,
    // The W3C form has numbers for some of them; AnonCreds knows text.
    attributes: anoncreds ? asText(attributes) : attributes,
    // The W3C form has neither.
    schemaId: textOf(entry.tags, 'anonCredsSchemaId'),
    credentialDefinitionId: textOf(entry.tags, 'anonCredsCredentialDefinitionId'),
    revoked: anoncreds?.credentialRevocationId != null ? revoked : null,
  }
}

const asText = (attributes: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]))

/** What a JWT secures (W3C Verifiable Credentials 1.1, 6.3.1). It was checked before it was stored. */
function credentialIn(jwt: string): W3c {
  const { iss, vc = {} } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as {
    iss?: string
    vc?: W3c
  }
  return { ...vc, ...(iss !== undefined && { issuer: iss }) }
}

function textOf(tags: Tags, name: string): string | null {
  const value = tags[name]
  return typeof value === 'string' ? value : null
}

/** Lists the credentials of a wallet. */
export function credentialObserver(): RecordObserver {
  return { type: CREDENTIAL_RECORD, list: () => 'credentials' }
}
