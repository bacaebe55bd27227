import { Field, ObjectType } from 'type-graphql'
import { EventType } from '../graphql/event.type.js'
import { CredentialExchangeState, CredentialExchangeType } from './credential-exchange.type.js'

@ObjectType('CredentialEvent', { implements: EventType, description: 'A credential exchange changed its state.' })
export class CredentialEventType extends EventType {
  @Field(() => CredentialExchangeState, { nullable: true, description: 'Its state before; null where it is new.' })
  previousState!: keyof typeof CredentialExchangeState | null

  @Field(() => CredentialExchangeType, { description: 'As it was at the event.' })
  credentialExchange!: CredentialExchangeType
}

@ObjectType('RevocationEvent', {
  implements: EventType,
  description: 'A credential was revoked: by this tenant as issuer, or as the issuer told its holder.',
})
export class RevocationEventType extends EventType {
  @Field(() => CredentialExchangeType, { description: 'The exchange that it was issued by, as it was at the event.' })
  credentialExchange!: CredentialExchangeType
}
