import { askAgent } from '../agent/agent-errors.js'
import type { Listed } from '../storage/list.js'
import type { Profiles } from '../storage/profiles.js'
import type { Sessions } from '../tenants/sessions.js'
import { recordOf, type WalletReader } from '../tenants/wallet-reader.js'
import type { CredentialType } from './credential.type.js'
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
    const record = await this.reader.find(tenantId, CREDENTIAL_RECORD, id)
    if (!record) return undefined
    const revoked = await this.revokedAmong(tenantId, [id])
    return credentialView(record, revoked.has(id))
  }

  /** A stretch of the list, and which of it the issuers have told to be revoked. */
  async list(
    tenantId: string,
    query: { limit: number; reverse: boolean; after?: number; before?: number },
  ): Promise<{ listed: Listed[]; revoked: Set<string> }> {
    const listed = await this.reader.list(tenantId, CREDENTIAL_RECORD, 'credentials', {}, query)
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

  private async revokedAmong(tenantId: string, ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set()
    const fits = { $or: ids.map((id) => ({ [`credentialIds:${id}`]: '1' })) }
    const entries = await this.profiles.of(tenantId).query(EXCHANGE_RECORD, fits)
    const revoked = entries.map((entry) => credentialExchangeView(recordOf(entry))).filter(({ revoked }) => revoked)
    return new Set(revoked.flatMap(({ credentialIds }) => credentialIds))
  }
}
