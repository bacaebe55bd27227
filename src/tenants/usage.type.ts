import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import { DateTimeScalar } from '../graphql/scalars.js'

@ObjectType('RateUsage', { description: 'Where a tenant stands against a rate of its policy, on all instances.' })
export class RateUsageType {
  @Field(() => Int, {
    nullable: true,
    description:
      'How much of it is used up in the current minute; null where it is not bounded, as nothing is counted then.',
  })
  used!: number | null

  @Field(() => Int, { nullable: true, description: 'How much there may be in a minute; null where it is not bounded.' })
  limit!: number | null
}

@ObjectType('TenantUsage', {
  description: 'What a tenant has, and what it does. What lies in a wallet that is locked is not known: null.',
})
export class TenantUsageType {
  @Field(() => ID, { description: 'Whose it is.' })
  tenantId!: string

  @Field(() => Int, { nullable: true, description: 'Connections in its wallet, in whatever state.' })
  connections!: number | null

  @Field(() => Int, { nullable: true, description: 'Invitations in its wallet, made and received.' })
  invitations!: number | null

  @Field(() => Int, { nullable: true, description: 'Basic messages in its wallet, sent and received.' })
  basicMessages!: number | null

  @Field(() => Int, { nullable: true, description: 'DIDs that it has made by createDid.' })
  dids!: number | null

  @Field(() => Int, { nullable: true, description: 'Events of its log that are kept.' })
  events!: number | null

  @Field(() => Int, { description: 'Sealed messages that wait until it can take them.' })
  queuedMessages!: number

  @Field(() => Int, { description: 'Its open subscriptions, on all instances.' })
  openSubscriptions!: number

  @Field(() => Float, {
    nullable: true,
    description: 'Bytes of the records in its wallet, as `maxStorageBytes` counts them: before they are encrypted.',
  })
  storageBytes!: number | null

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When one of its tokens was last used or its log last grew, within minutes; null where it never was.',
  })
  lastActivityAt!: Date | null

  @Field(() => RateUsageType, { description: 'Its operations.' })
  requestsPerMinute!: RateUsageType

  @Field(() => RateUsageType, { description: 'Root fields of its mutations.' })
  mutationsPerMinute!: RateUsageType

  @Field(() => RateUsageType, { description: 'DIDComm messages that came for it.' })
  inboundPerMinute!: RateUsageType
}
