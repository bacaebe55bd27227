import { askAgent } from '../agent/agent-errors.js'
import type { Listed } from '../storage/list.js'
import type { Profiles } from '../storage/profiles.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import type { CredentialFilter, CredentialType } from './credential.type.js'
import { CREDENTIAL_RECORD, credentialView } from './credential.view.js'
import { EXCHANGE_RECORD } from './credential-exchange.service.js'
import { credentialExchangeView } from './credential-exchange.view.js'

/** Credentials that a wallet holds. */
export class CredentialService {
  constructor(
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    private readonly reader: WalletReader,
  ) {}

  async find(tenantId: string, id: string): Promise<CredentialType | undefined> {
    const entry = await this.profiles.of(tenantId).fetch(CREDENTIAL_RECORD, id)
    if (!entry) return undefined
    const revoked = await this.revokedAmong(tenantId, [id])
    return credentialView(entry, revoked.get(id) ?? null)
  }

  /** A stretch of the list, and which of it the issuers have told to be revoked. */
  async list(
    tenantId: string,
    { credentialDefinitionId, schemaId, issuerDid }: CredentialFilter,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<{ listed: Listed[]; revoked: Map<string, boolean> }> {
    const filter = {
      ...(credentialDefinitionId != null ? { anonCredsCredentialDefinitionId: credentialDefinitionId } : {}),
      ...(schemaId != null ? { anonCredsSchemaId: schemaId } : {}),
      ...(issuerDid != null ? { issuerId: issuerDid } : {}),
    }
    const listed = await this.reader.list(tenantId, CREDENTIAL_RECORD, 'credentials', filter, query)
    const revoked = await this.revokedAmong(
      tenantId,
      listed.map(({ entry }) => entry.name),
    )
    return { listed, revoked }
  }

  /** @throws NOT_FOUND */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sessions.transact(tenantId, (agent) => askAgent('credential', () => agent.w3cCredentials.deleteById(id)))
  }

  /** Whether each is revoked, as far as the exchanges that they came by are still there. */
  private async revokedAmong(tenantId: string, ids: readonly string[]): Promise<Map<string, boolean>> {
    if (ids.length === 0) return new Map()
    const fits = { $or: ids.map((id) => ({ [`credentialIds:${id}`]: '1' })) }
    const entries = await this.profiles.of(tenantId).query(EXCHANGE_RECORD, fits)
    const exchanges = entries.map((entry) => credentialExchangeView(recordOf(entry)))
    return new Map(exchanges.flatMap(({ credentialIds, revoked }) => credentialIds.map((id) => [id, revoked] as const)))
  }
}
