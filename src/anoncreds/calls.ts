import type {
  AnonCredsCredential,
  AnonCredsCredentialDefinition,
  AnonCredsCredentialOffer,
  AnonCredsCredentialProve,
  AnonCredsCredentialRequest,
  AnonCredsHolderService,
  AnonCredsProof,
  AnonCredsProofRequest,
  AnonCredsRevocationRegistryDefinition,
  AnonCredsRevocationStatusList,
  AnonCredsSchema,
} from '@credo-ts/anoncreds'

type Secret = Record<string, unknown>
type ById<Value> = Record<string, Value>

export type RequestMetadata = Awaited<
  ReturnType<AnonCredsHolderService['createCredentialRequest']>
>['credentialRequestMetadata']

/** A credential or presentation in the W3C form, as JSON. */
export type W3cJson = Record<string, unknown>

/** The registry, the list that the credential is added to, and its index in it. */
export interface RevocationOfCredential {
  definition: AnonCredsRevocationRegistryDefinition
  definitionPrivate: Secret
  statusList: AnonCredsRevocationStatusList
  index: number
}

/** What shows that a credential is not revoked, at the time of the list. */
export interface NonRevocation {
  definition: AnonCredsRevocationRegistryDefinition
  statusList: AnonCredsRevocationStatusList
  index: number
  tailsPath: string
}

export interface PresentedCredential {
  /** In the W3C form or, with `legacy`, in the AnonCreds form. */
  credential: W3cJson | AnonCredsCredential
  legacy?: boolean
  /** Takes the place of what the credential says: one of an Indy ledger may be asked for by other names. */
  identifiers?: Partial<Pick<AnonCredsCredential, 'schema_id' | 'cred_def_id' | 'rev_reg_id'>>
  timestamp?: number
  nonRevocation?: NonRevocation
}

/** An earlier list counts as that of a later time. */
export interface IntervalOverride {
  revocationRegistryDefinitionId: string
  requestedFromTimestamp: number
  overrideRevocationStatusListTimestamp: number
}

interface Presenting {
  request: AnonCredsProofRequest
  credentials: PresentedCredential[]
  proves: AnonCredsCredentialProve[]
  linkSecret: string
  schemas: ById<AnonCredsSchema>
  definitions: ById<AnonCredsCredentialDefinition>
}

interface Verifying {
  request: AnonCredsProofRequest
  schemas: ById<AnonCredsSchema>
  definitions: ById<AnonCredsCredentialDefinition>
  registries: ById<AnonCredsRevocationRegistryDefinition>
  statusLists: AnonCredsRevocationStatusList[]
  overrides?: IntervalOverride[]
}

/** What is known of a received credential, once it is made one's own. */
export interface Processing {
  requestMetadata: RequestMetadata
  linkSecret: string
  definition: AnonCredsCredentialDefinition
  registry?: AnonCredsRevocationRegistryDefinition
}

/** What a W3C form says of where it comes from. */
export interface W3cDetails {
  schemaId: string
  credentialDefinitionId: string
  revocationRegistryId?: string
  revocationRegistryIndex?: number
  timestamp?: number
}

/**
 * What can be called, with plain JSON in and out. Each is a function of its arguments and of chance only, so it can be
 * made again; tails files are named by their contents.
 */
export interface Calls {
  createSchema(args: { issuerId: string; name: string; version: string; attributeNames: string[] }): AnonCredsSchema
  createCredentialDefinition(args: {
    schema: AnonCredsSchema
    schemaId: string
    issuerId: string
    tag: string
    supportRevocation: boolean
  }): {
    credentialDefinition: AnonCredsCredentialDefinition
    credentialDefinitionPrivate: Secret
    keyCorrectnessProof: Secret
  }
  /** Writes the tails file into the folder; `value.tailsLocation` is its path. */
  createRevocationRegistryDefinition(args: {
    definition: AnonCredsCredentialDefinition
    definitionId: string
    issuerId: string
    tag: string
    size: number
    tailsFolder: string
  }): {
    revocationRegistryDefinition: AnonCredsRevocationRegistryDefinition
    revocationRegistryDefinitionPrivate: Secret
  }
  createRevocationStatusList(args: {
    definition: AnonCredsCredentialDefinition
    registryId: string
    registry: AnonCredsRevocationRegistryDefinition
    registryPrivate: Secret
    issuerId: string
    /** In seconds; none leaves it out. */
    timestamp?: number
  }): AnonCredsRevocationStatusList
  updateRevocationStatusList(args: {
    statusList: AnonCredsRevocationStatusList
    timestamp?: number
    /** Nothing where only the time is changed. */
    change?: {
      definition: AnonCredsCredentialDefinition
      registry: AnonCredsRevocationRegistryDefinition
      registryPrivate: Secret
      issued?: number[]
      revoked?: number[]
    }
  }): AnonCredsRevocationStatusList
  createCredentialOffer(args: {
    schemaId: string
    definitionId: string
    keyCorrectnessProof: Secret
  }): AnonCredsCredentialOffer
  createCredential(args: {
    definition: AnonCredsCredentialDefinition
    definitionPrivate: Secret
    offer: AnonCredsCredentialOffer
    request: AnonCredsCredentialRequest
    raw: ById<string>
    encoded: ById<string>
    revocation?: RevocationOfCredential
  }): AnonCredsCredential

  createLinkSecret(args: Record<string, never>): string
  createCredentialRequest(args: {
    offer: AnonCredsCredentialOffer
    definition: AnonCredsCredentialDefinition
    linkSecret: string
    linkSecretId: string
    /** Else some entropy takes its place. */
    proverDid?: string
  }): { credentialRequest: AnonCredsCredentialRequest; credentialRequestMetadata: RequestMetadata }
  /** From the AnonCreds form to W3C's, and makes it one's own where told how. */
  legacyToW3c(args: { credential: AnonCredsCredential; issuerId: string; processing?: Processing }): W3cJson
  w3cToLegacy(args: { credential: W3cJson }): AnonCredsCredential
  readW3c(args: { credential: W3cJson }): W3cDetails
  createPresentation(args: Presenting & { selfAttested: ById<string> }): AnonCredsProof
  createW3cPresentation(args: Presenting): W3cJson

  verifyPresentation(args: Verifying & { proof: AnonCredsProof }): boolean
  verifyW3cPresentation(args: Verifying & { presentation: W3cJson }): boolean
}

export type CallName = keyof Calls
export type Args<Name extends CallName> = Parameters<Calls[Name]>[0]
export type Result<Name extends CallName> = ReturnType<Calls[Name]>

/** Calls that take seconds; the others wait for nothing that long. */
export const LONG_CALLS: ReadonlySet<CallName> = new Set([
  'createCredentialDefinition',
  'createRevocationRegistryDefinition',
])

/** The most attributes of a schema that the field's agents take. */
export const ATTRIBUTES_MAX = 125

/** What the gateway sends to a process of its lane. */
export interface CallMessage {
  name: CallName
  args: unknown
}

/** What comes back: for each call one, in order. */
export type AnswerMessage = { result: unknown } | { error: { code?: number; message: string } }
