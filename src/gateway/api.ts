import { AuditResolver } from '../audit/audit.resolver.js'
import { AuditLog } from '../audit/audit-log.js'
import { Refusals } from '../audit/refusals.js'
import { ConnectionResolver } from '../connections/connection.resolver.js'
import { ConnectionService } from '../connections/connection.service.js'
import { InvitationResolver } from '../connections/invitation.resolver.js'
import { InvitationService } from '../connections/invitation.service.js'
import { PeerResolver } from '../connections/peer.resolver.js'
import { PeerService } from '../connections/peer.service.js'
import { AnoncredsResolver } from '../credentials/anoncreds.resolver.js'
import { AnoncredsService } from '../credentials/anoncreds.service.js'
import { CredentialResolver } from '../credentials/credential.resolver.js'
import { CredentialService } from '../credentials/credential.service.js'
import { CredentialExchangeResolver } from '../credentials/credential-exchange.resolver.js'
import { CredentialExchangeService } from '../credentials/credential-exchange.service.js'
import { DidResolver } from '../dids/did.resolver.js'
import { DidService } from '../dids/did.service.js'
import { MessageResolver } from '../messages/message.resolver.js'
import { MessageService } from '../messages/message.service.js'
import { OperatorResolver } from '../operators/operator.resolver.js'
import { ProofExchangeResolver } from '../proofs/proof-exchange.resolver.js'
import { ProofExchangeService } from '../proofs/proof-exchange.service.js'
import { QuestionResolver } from '../questions/question.resolver.js'
import { QuestionService } from '../questions/question.service.js'
import { RelayResolver } from '../relay/relay.resolver.js'
import { TenantQueueResolver } from '../relay/tenant-queue.resolver.js'
import { actInTheNameOfViewers } from '../server/acting.js'
import { buildGatewaySchema } from '../server/schema.js'
import { takeTurns } from '../server/turns.js'
import { EventResolver } from '../streams/event.resolver.js'
import { EventService } from '../streams/event.service.js'
import { Features } from '../tenants/features.js'
import { LockResolver } from '../tenants/lock.resolver.js'
import { ownKeyOf } from '../tenants/own-key.js'
import { TenantResolver } from '../tenants/tenant.resolver.js'
import { TransferResolver } from '../tenants/transfer.resolver.js'
import { UsageResolver } from '../tenants/usage.resolver.js'
import { UsageService } from '../tenants/usage.service.js'
import { WalletResolver } from '../tenants/wallet.resolver.js'
import type { Agents } from './agents.js'
import type { Events } from './events.js'
import type { Foundation } from './foundation.js'
import type { Lifecycle } from './lifecycle.js'
import type { Tenancy } from './tenancy.js'
import type { Ways } from './ways.js'

export type Api = ReturnType<typeof makeApi>

/** The schema: what tenants and operators ask for, and who serves it. */
export function makeApi(
  { config, logger, profiles, fetch, urlNow }: Foundation,
  { hub }: Events,
  { tenants, tokens, operators, policies, vault, rates, subscriptions }: Tenancy,
  { routes, endpoints, queue, gate }: Ways,
  { ports, domainOf, workers, indyLedgers, mediation, sessions, reader, revocation }: Agents,
  { lifecycle, hostedDids, indyDids, exporter, importer }: Lifecycle,
) {
  const auditLog = new AuditLog(profiles.base)
  const refusals = new Refusals(profiles.base, logger)
  const features = new Features(tenants, policies)
  const events = new EventService(profiles, hub, tenants, lifecycle, config.eventBuffer)
  const anoncreds = new AnoncredsService(sessions, reader, ports, workers, revocation, indyLedgers?.objects)
  const credentialExchanges = new CredentialExchangeService(sessions, reader, anoncreds, revocation, domainOf)
  const queued = (tenantId: string) => queue.count(tenantId)
  const resolvers = [
    new TenantResolver(lifecycle, tenants, tokens, policies, endpoints),
    new LockResolver(lifecycle),
    new WalletResolver(lifecycle, tokens),
    new TransferResolver(exporter, importer, urlNow),
    new OperatorResolver(operators),
    new AuditResolver(auditLog),
    new ConnectionResolver(new ConnectionService(sessions, reader)),
    new InvitationResolver(new InvitationService(sessions, reader, fetch, tenants, domainOf, logger)),
    new PeerResolver(new PeerService(sessions)),
    new QuestionResolver(new QuestionService(sessions, reader)),
    new MessageResolver(new MessageService(sessions, reader)),
    new DidResolver(new DidService(sessions, reader, features, hostedDids, indyDids)),
    new EventResolver(events),
    new RelayResolver(tenants, routes, () => [endpoints.shared]),
    new TenantQueueResolver(queue),
    new UsageResolver(new UsageService(tenants, tokens, profiles, rates, subscriptions, queued)),
    new AnoncredsResolver(anoncreds),
    new CredentialExchangeResolver(credentialExchanges),
    new CredentialResolver(new CredentialService(sessions, profiles, reader)),
    new ProofExchangeResolver(new ProofExchangeService(sessions, reader, domainOf)),
    ...mediation.resolvers,
  ]
  const schema = buildGatewaySchema(resolvers, async (viewer, { wallet, feature }) => {
    if (feature) await features.assertOn(viewer.tenantId, feature)
    if (wallet) await vault.admit(viewer.tenantId, ownKeyOf(viewer, tokens))
  })
  actInTheNameOfViewers(schema, refusals)
  takeTurns(schema, gate)
  return { schema, events, auditLog, refusals }
}
