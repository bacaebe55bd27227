import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql'
import { pageType } from '../graphql/page.js'
import { DateTimeScalar, JsonScalar } from '../graphql/scalars.js'

export const CredentialFormat = {
  ANONCREDS: 'ANONCREDS',
  INDY: 'INDY',
  DATA_INTEGRITY: 'DATA_INTEGRITY',
  SD_JWT_VC: 'SD_JWT_VC',
  W3C_JWT: 'W3C_JWT',
  MDOC: 'MDOC',
} as const
registerEnumType(CredentialFormat, {
  name: 'CredentialFormat',
  description: 'What a credential is made as.',
  valuesConfig: {
    ANONCREDS: { description: 'AnonCreds 1.0.' },
    INDY: {
      description:
        'AnonCreds 1.0 by the names that Indy has for the messages and objects (Aries RFC 0592), for agents that know no others. A credential itself is ANONCREDS.',
    },
    DATA_INTEGRITY: {
      description:
        'W3C Verifiable Credential 1.1, secured by W3C Data Integrity. What the gateway issues and takes is signed as AnonCreds (anoncreds-2023).',
    },
    SD_JWT_VC: { description: 'IETF SD-JWT VC. Not issued yet.' },
    W3C_JWT: { description: 'W3C Verifiable Credential, secured as a JWT. Not issued yet.' },
    MDOC: { description: 'ISO/IEC 18013-5 mdoc. Not issued yet.' },
  },
})

@InputType({ description: 'Which credentials to list; all conditions hold.' })
export class CredentialFilter {
  @Field(() => ID, { nullable: true, description: 'Issued with this credential definition.' })
  credentialDefinitionId?: string | null

  @Field(() => ID, { nullable: true, description: 'Of this schema.' })
  schemaId?: string | null

  @Field(() => String, { nullable: true, description: 'Issued by this DID.' })
  issuerDid?: string | null
}

@ObjectType('Credential', { description: "A credential in the tenant's wallet." })
export class CredentialType {
  @Field(() => ID, { description: 'Its id in this wallet.' })
  id!: string

  @Field(() => CredentialFormat, { description: 'What it is made as.' })
  format!: keyof typeof CredentialFormat

  @Field(() => String, { nullable: true, description: 'The DID that issued it, where the issuer has one.' })
  issuerDid!: string | null

  @Field(() => JsonScalar, { description: 'What it says, by the names of its attributes.' })
  attributes!: Record<string, unknown>

  @Field(() => ID, { nullable: true, description: 'ANONCREDS, DATA_INTEGRITY: its schema.' })
  schemaId!: string | null

  @Field(() => ID, { nullable: true, description: 'ANONCREDS, DATA_INTEGRITY: its credential definition.' })
  credentialDefinitionId!: string | null

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether it is revoked, as last seen; null where that is not known, or it cannot be revoked.',
  })
  revoked!: boolean | null

  @Field(() => DateTimeScalar, { description: 'When it was stored.' })
  createdAt!: string
}

export const CredentialPage = pageType(() => CredentialType, 'Credential')
