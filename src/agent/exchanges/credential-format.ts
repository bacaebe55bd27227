import {
  type AnonCredsCredential,
  AnonCredsCredentialDefinitionRepository,
  AnonCredsCredentialMetadataKey,
  AnonCredsDidCommCredentialFormatService,
  fetchCredentialDefinition,
  fetchRevocationRegistryDefinition,
  fetchSchema,
  LegacyIndyDidCommCredentialFormatService,
} from '@credo-ts/anoncreds'
import { type AgentContext, CredoError } from '@credo-ts/core'
import type { DidCommCredentialExchangeRecord } from '@credo-ts/didcomm'
import { keepNotes, notesOf } from './notes.js'

type Base = AnonCredsDidCommCredentialFormatService
type Indy = LegacyIndyDidCommCredentialFormatService
type Options<Method extends keyof Of, Of = Base> = Of[Method] extends (
  context: AgentContext,
  options: infer O,
) => unknown
  ? O
  : never

/** The place of a credential in a revocation registry. */
export interface RevocationPlace {
  revocationRegistryId: string
  index: number
}

/** Gives credentials their places in revocation registries. */
export interface RevocationPort {
  /**
   * Takes the next place for a credential of this definition, in the unit of work that issues it.
   * @returns undefined while no registry is ready; one is being made then
   */
  takePlace(context: AgentContext, credentialDefinitionId: string): Promise<RevocationPlace | undefined>
  /** Whether a credential can be issued now: false while it needs a place and no registry is ready. */
  hasPlace(context: AgentContext, credentialDefinitionId: string): Promise<boolean>
}

/** No place in a revocation registry is free yet. */
export class NoPlaceError extends Error {
  constructor() {
    super('No revocation registry is ready yet')
  }
}

/**
 * AnonCreds over issue credential. Credo wants an offer to name its place in a revocation registry; here a credential
 * gets it as it is issued. So offers can be made before a registry is ready, and those that nobody accepts take no place.
 */
export class CredentialFormat extends AnonCredsDidCommCredentialFormatService {
  constructor(private readonly revocation: RevocationPort) {
    super()
  }

  override async createOffer(context: AgentContext, options: Options<'createOffer'>) {
    const { credentialExchangeRecord: record } = options
    const anoncreds = { ...options.credentialFormats.anoncreds, ...UNPLACED } as never
    const offer = await super.createOffer(context, { ...options, credentialFormats: { anoncreds } })
    forgetPlace(record)
    keepNotes(record, { preview: undefined })
    return offer
  }

  override async createProposal(context: AgentContext, options: Options<'createProposal'>) {
    const proposal = await super.createProposal(context, options)
    keepNotes(options.credentialExchangeRecord)
    return proposal
  }

  override async processProposal(context: AgentContext, options: Options<'processProposal'>): Promise<void> {
    await super.processProposal(context, options)
    const proposed: unknown = options.attachment.getDataAsJson()
    if (typeof proposed !== 'object' || proposed === null) throw new Error('The proposal is none')
    const { schema_id: schemaId, cred_def_id: credentialDefinitionId } = proposed as {
      schema_id?: string
      cred_def_id?: string
    }
    // So that the issuer sees what is wanted before it offers.
    options.credentialExchangeRecord.metadata.set(AnonCredsCredentialMetadataKey, { schemaId, credentialDefinitionId })
    keepNotes(options.credentialExchangeRecord)
  }

  override async acceptProposal(context: AgentContext, options: Options<'acceptProposal'>) {
    const anoncreds = { ...options.credentialFormats?.anoncreds, ...UNPLACED } as never
    const offer = await super.acceptProposal(context, { ...options, credentialFormats: { anoncreds } })
    forgetPlace(options.credentialExchangeRecord)
    keepNotes(options.credentialExchangeRecord, { preview: undefined })
    return offer
  }

  override async processOffer(context: AgentContext, options: Options<'processOffer'>): Promise<void> {
    await super.processOffer(context, options)
    keepOffered(options)
  }

  override async acceptOffer(context: AgentContext, options: Options<'acceptOffer'>) {
    await assertOwnSchema(context, options)
    return super.acceptOffer(context, options)
  }

  /** Credo looks at a request as it is answered only: where that waits for the issuer, it would wait in vain. */
  override async processRequest(context: AgentContext, options: Options<'processRequest'>): Promise<void> {
    await super.processRequest(context, options)
    const requested = options.attachment.getDataAsJson() as { cred_def_id?: string } | null
    const offered = options.credentialExchangeRecord.metadata.get(AnonCredsCredentialMetadataKey)
    if (!offered?.credentialDefinitionId || requested?.cred_def_id !== offered.credentialDefinitionId) {
      throw new Error('The request is not for what was offered')
    }
  }

  override async acceptRequest(context: AgentContext, options: Options<'acceptRequest'>) {
    const { credentialExchangeRecord: record, requestAttachment } = options
    const { cred_def_id: definitionId } = requestAttachment.getDataAsJson() as { cred_def_id: string }
    const offered = (options.offerAttachment?.getDataAsJson() as { cred_def_id: string } | undefined)?.cred_def_id
    if (offered !== definitionId) throw new Error('The request is not for what was offered')
    await takePlace(context, this.revocation, record, definitionId)
    return super.acceptRequest(context, options)
  }

  override async processCredential(context: AgentContext, options: Options<'processCredential'>): Promise<void> {
    const credential = options.attachment.getDataAsJson() as AnonCredsCredential
    await assertAsOffered(context, options.credentialExchangeRecord, credential)
    return super.processCredential(context, options)
  }
}

/**
 * The same by the names that Indy has for the formats (Aries RFC 0592) and its objects, as agents of issue credential 1.0
 * have them too. The records of the issuer have the names of did:indy.
 */
export class IndyCredentialFormat extends LegacyIndyDidCommCredentialFormatService {
  constructor(private readonly revocation: RevocationPort) {
    super()
  }

  override async createOffer(context: AgentContext, options: Options<'createOffer', Indy>) {
    const { credentialExchangeRecord: record } = options
    const made = await super.createOffer(context, options)
    const { credentialDefinitionId = '' } = record.metadata.get(AnonCredsCredentialMetadataKey) ?? {}
    const known = await definitionNamed(context, credentialDefinitionId)
    record.metadata.set(AnonCredsCredentialMetadataKey, {
      schemaId: known.credentialDefinition.schemaId,
      credentialDefinitionId: known.credentialDefinitionId,
    })
    keepNotes(record, { preview: undefined, format: 'INDY' })
    return made
  }

  override async processOffer(context: AgentContext, options: Options<'processOffer', Indy>): Promise<void> {
    await super.processOffer(context, options)
    keepOffered(options)
    keepNotes(options.credentialExchangeRecord, { format: 'INDY' })
  }

  override async acceptOffer(context: AgentContext, options: Options<'acceptOffer', Indy>) {
    await assertOwnSchema(context, options)
    return super.acceptOffer(context, options)
  }

  override async acceptRequest(context: AgentContext, options: Options<'acceptRequest', Indy>) {
    const { credentialExchangeRecord: record, requestAttachment, offerAttachment } = options
    const { cred_def_id: requested } = requestAttachment.getDataAsJson() as { cred_def_id: string }
    const offered = (offerAttachment?.getDataAsJson() as { cred_def_id: string } | undefined)?.cred_def_id
    if (offered !== requested) throw new Error('The request is not for what was offered')
    const { credentialDefinitionId } = await definitionNamed(context, requested)
    await takePlace(context, this.revocation, record, credentialDefinitionId)
    return super.acceptRequest(context, options)
  }

  override async processCredential(context: AgentContext, options: Options<'processCredential', Indy>): Promise<void> {
    const credential = options.attachment.getDataAsJson() as AnonCredsCredential
    await assertAsOffered(context, options.credentialExchangeRecord, credential)
    return super.processCredential(context, options)
  }
}

const definitionNamed = (context: AgentContext, id: string) =>
  context.resolve(AnonCredsCredentialDefinitionRepository).getByCredentialDefinitionId(context, id)

/** An offer names a schema beside its definition, which has one itself. */
async function assertOwnSchema(
  context: AgentContext,
  { offerAttachment }: Pick<Options<'acceptOffer'>, 'offerAttachment'>,
): Promise<void> {
  const offered = offerAttachment.getDataAsJson() as { schema_id: string; cred_def_id: string }
  const { credentialDefinition } = await fetchCredentialDefinition(context, offered.cred_def_id)
  if (credentialDefinition.schemaId !== offered.schema_id)
    throw new CredoError('The schema is not that of the definition')
}

/** So that the holder sees what it is before it accepts. */
function keepOffered({ attachment, credentialExchangeRecord: record }: Options<'processOffer'>): void {
  const { schema_id: schemaId, cred_def_id: credentialDefinitionId } = attachment.getDataAsJson() as {
    schema_id: string
    cred_def_id: string
  }
  record.metadata.set(AnonCredsCredentialMetadataKey, { schemaId, credentialDefinitionId })
  keepNotes(record)
}

/** What stands in for a place where Credo asks for one, and takes 0 for none in some. */
export const UNPLACED = { revocationRegistryDefinitionId: 'none', revocationRegistryIndex: 1 }

export function forgetPlace(record: DidCommCredentialExchangeRecord): void {
  record.metadata.add(AnonCredsCredentialMetadataKey, {
    revocationRegistryId: undefined,
    credentialRevocationId: undefined,
  })
  record.setTags({ anonCredsRevocationRegistryId: undefined, anonCredsCredentialRevocationId: undefined })
}

/** Gives what is issued now its place in a registry, where it has one. @throws NoPlaceError */
export async function takePlace(
  context: AgentContext,
  revocation: RevocationPort,
  record: DidCommCredentialExchangeRecord,
  definitionId: string,
): Promise<void> {
  if (await isRevocable(context, definitionId)) {
    const place = await revocation.takePlace(context, definitionId)
    if (!place) throw new NoPlaceError()
    record.metadata.add(AnonCredsCredentialMetadataKey, {
      revocationRegistryId: place.revocationRegistryId,
      credentialRevocationId: `${place.index}`,
    })
  }
  if (notesOf(record).waiting) keepNotes(record, { waiting: false })
}

/** That a credential which was issued is of the definition that was offered, and its registry of that definition. */
export async function assertAsOffered(
  context: AgentContext,
  record: DidCommCredentialExchangeRecord,
  credential: Pick<AnonCredsCredential, 'cred_def_id' | 'schema_id' | 'rev_reg_id'>,
): Promise<void> {
  const offered = record.metadata.get(AnonCredsCredentialMetadataKey)
  const isOffered =
    credential.cred_def_id === offered?.credentialDefinitionId && credential.schema_id === offered.schemaId
  if (!isOffered) throw new Error('The credential is not of the definition that was offered')
  if (!credential.rev_reg_id) {
    // It could never be shown to hold still.
    const { credentialDefinition } = await fetchCredentialDefinition(context, credential.cred_def_id)
    if (credentialDefinition.value.revocation) throw new Error('The credential has no place in a registry')
  } else {
    const found = await fetchRevocationRegistryDefinition(context, credential.rev_reg_id)
    if (found.revocationRegistryDefinition.credDefId !== credential.cred_def_id) {
      throw new Error('The credential has a place in a registry of another definition')
    }
  }
}

/** Whether credentials of a definition of this wallet have places in registries. */
export async function isRevocable(context: AgentContext, credentialDefinitionId: string): Promise<boolean> {
  const { credentialDefinition } = await context
    .resolve(AnonCredsCredentialDefinitionRepository)
    .getByCredentialDefinitionId(context, credentialDefinitionId)
  return credentialDefinition.value.revocation !== undefined
}

/** Whether this wallet can offer a credential of a definition with these attributes: the definition is its own, and they are the schema's. */
export async function canOffer(
  context: AgentContext,
  credentialDefinitionId: string | undefined,
  attributes: readonly { name: string }[],
): Promise<boolean> {
  if (credentialDefinitionId === undefined) return false
  const record = await context
    .resolve(AnonCredsCredentialDefinitionRepository)
    .findByCredentialDefinitionId(context, credentialDefinitionId)
  if (!record) return false
  const { schema } = await fetchSchema(context, record.credentialDefinition.schemaId)
  const named = attributes.map(({ name }) => name)
  return named.length === schema.attrNames.length && schema.attrNames.every((name) => named.includes(name))
}
