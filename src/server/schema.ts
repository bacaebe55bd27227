import 'reflect-metadata'
import {
  assertValidSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { buildSchemaSync, type ClassType, type PubSub } from 'type-graphql'
import { AuditResolver } from '../audit/audit.resolver.js'
import { ConnectionResolver } from '../connections/connection.resolver.js'
import { ConnectionEventType, PingEventType } from '../connections/connection.type.js'
import { DiscoveryEventType } from '../connections/discovery.type.js'
import { InvitationResolver } from '../connections/invitation.resolver.js'
import { InvitationEventType } from '../connections/invitation.type.js'
import { PeerResolver } from '../connections/peer.resolver.js'
import { ProblemReportEventType } from '../connections/problem-report.type.js'
import { AnoncredsResolver } from '../credentials/anoncreds.resolver.js'
import { CredentialResolver } from '../credentials/credential.resolver.js'
import { CredentialEventType, RevocationEventType } from '../credentials/credential-event.type.js'
import { CredentialExchangeResolver } from '../credentials/credential-exchange.resolver.js'
import { DidResolver } from '../dids/did.resolver.js'
import { DidEventType } from '../dids/did.type.js'
import { AccessChecker, type Admit } from '../graphql/access.js'
import { DateTimeScalar } from '../graphql/scalars.js'
import { BaseWalletMediatorResolver } from '../mediation/base-wallet.resolver.js'
import { MediationResolver } from '../mediation/mediation.resolver.js'
import { MediationEventType } from '../mediation/mediation.type.js'
import { MediatedResolver } from '../mediation/mediator/mediated.resolver.js'
import { MessageResolver } from '../messages/message.resolver.js'
import { BasicMessageEventType } from '../messages/message.type.js'
import { OperatorResolver } from '../operators/operator.resolver.js'
import { ProofEventType } from '../proofs/proof-event.type.js'
import { ProofExchangeResolver } from '../proofs/proof-exchange.resolver.js'
import { QuestionResolver } from '../questions/question.resolver.js'
import { QuestionEventType } from '../questions/question.type.js'
import { DeliveryEventType } from '../relay/delivery.type.js'
import { RelayResolver } from '../relay/relay.resolver.js'
import { TenantQueueResolver } from '../relay/tenant-queue.resolver.js'
import { EventResolver } from '../streams/event.resolver.js'
import { LockResolver } from '../tenants/lock.resolver.js'
import { QueueEventType } from '../tenants/queue-event.type.js'
import { TenantResolver } from '../tenants/tenant.resolver.js'
import { TenantEventType } from '../tenants/tenant.type.js'
import { TransferResolver } from '../tenants/transfer.resolver.js'
import { UsageResolver } from '../tenants/usage.resolver.js'
import { WalletResolver } from '../tenants/wallet.resolver.js'

const RESOLVERS = [
  TenantResolver,
  OperatorResolver,
  AuditResolver,
  ConnectionResolver,
  InvitationResolver,
  MessageResolver,
  PeerResolver,
  QuestionResolver,
  DidResolver,
  EventResolver,
  RelayResolver,
  LockResolver,
  WalletResolver,
  TransferResolver,
  TenantQueueResolver,
  UsageResolver,
  AnoncredsResolver,
  CredentialResolver,
  CredentialExchangeResolver,
  ProofExchangeResolver,
  MediationResolver,
  BaseWalletMediatorResolver,
  MediatedResolver,
]

/** Types that only the interface `Event` leads to. */
const EVENT_TYPES = [
  TenantEventType,
  ConnectionEventType,
  InvitationEventType,
  PingEventType,
  BasicMessageEventType,
  QuestionEventType,
  DiscoveryEventType,
  ProblemReportEventType,
  DidEventType,
  DeliveryEventType,
  CredentialEventType,
  RevocationEventType,
  ProofEventType,
  MediationEventType,
  QueueEventType,
]

/** The library has no place for descriptions of the root types. */
const ROOTS = {
  Query: 'What can be read. Each field says first who may use it.',
  Mutation: 'What can be done. Each field says first who may use it.',
  Subscription: 'What can be followed. Each field says first who may use it.',
}

/** Builds the schema on resolvers that are made already; one of each class that the schema has. */
export function buildGatewaySchema(resolvers: object[], admit: Admit = async () => {}): GraphQLSchema {
  const instances = new Map(
    [...resolvers, new AccessChecker(admit)].map((resolver) => [resolver.constructor, resolver]),
  )
  const schema = buildSchemaSync({
    resolvers: RESOLVERS as unknown as [ClassType, ...ClassType[]],
    orphanedTypes: EVENT_TYPES,
    container: { get: (type) => instances.get(type) },
    authChecker: AccessChecker,
    authMode: 'error',
    scalarsMap: [{ type: Date, scalar: DateTimeScalar }],
    // Inputs are checked by the services, which name the field at fault.
    validate: false,
    // Whether it holds is asked as its text is made; to introspect it takes longer than to build it.
    skipCheck: true,
    // Every subscription brings its own source; the library asks for one all the same.
    pubSub: { publish() {}, subscribe: () => [] as never } as PubSub,
  })
  for (const [name, description] of Object.entries(ROOTS))
    (schema.getType(name) as GraphQLNamedType).description = description
  return schema
}

/**
 * The SDL as it is committed: sorted, so that a difference is a change.
 * @throws Error where it is no schema
 */
export function schemaText(): string {
  const schema = buildGatewaySchema([])
  assertValidSchema(schema)
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
