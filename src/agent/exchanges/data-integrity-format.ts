import {
  AnonCredsCredentialMetadataKey,
  type AnonCredsHolderService,
  AnonCredsHolderServiceSymbol,
  DataIntegrityDidCommCredentialFormatService,
  fetchCredentialDefinition,
} from '@credo-ts/anoncreds'
import {
  type AgentContext,
  CredoError,
  JsonTransformer,
  W3cCredentialRepository,
  W3cJsonLdVerifiableCredential,
} from '@credo-ts/core'
import { z } from 'zod'
import { assertAsOffered, forgetPlace, type RevocationPort, takePlace, UNPLACED } from './credential-format.js'
import { keepNotes } from './notes.js'

type Base = DataIntegrityDidCommCredentialFormatService
type Options<Method extends keyof Base> = Base[Method] extends (context: AgentContext, options: infer O) => unknown
  ? O
  : never

/** Set in the metadata of a held credential that was issued in this format. */
export const HELD_AS = 'tenantry/format'

/** The credential that an offer names, of the data model 1.1: nothing but what the keys of AnonCreds sign. */
const credential = z.strictObject({
  '@context': z.array(z.unknown()),
  type: z.tuple([z.literal('VerifiableCredential')]),
  issuer: z.string(),
  issuanceDate: z.string().optional(),
  credentialSubject: z.record(z.string(), z.union([z.string(), z.number()])),
})
const offer = z.object({
  data_model_versions_supported: z.array(z.string()).refine((versions) => versions.includes(MODEL)),
  binding_method: z.object({ anoncreds_link_secret: z.object({ cred_def_id: z.string() }) }),
  credential,
})
const request = z.object({
  data_model_version: z.literal('1.1'),
  binding_proof: z.strictObject({ anoncreds_link_secret: z.object({ cred_def_id: z.string() }) }),
})

const MODEL = '1.1'
const CONTEXTS = [
  'https://www.w3.org/2018/credentials/v1',
  'https://w3id.org/security/data-integrity/v2',
  { '@vocab': 'https://www.w3.org/ns/credentials/issuer-dependent#' },
]

/** What is to be offered in this format. */
export interface OfferedCredential {
  issuerDid: string
  credentialDefinitionId: string
  attributes: readonly { name: string; value: string }[]
}

/** As Credo wants it. */
export function dataIntegrityOffer({ issuerDid, credentialDefinitionId, attributes }: OfferedCredential) {
  return {
    bindingRequired: true,
    credential: {
      ...{ '@context': CONTEXTS, type: ['VerifiableCredential'], issuer: issuerDid },
      issuanceDate: new Date().toISOString(),
      credentialSubject: Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
    },
    anonCredsLinkSecretBinding: { credentialDefinitionId, ...UNPLACED },
  } as never
}

/**
 * Credentials of W3C Data Integrity over issue credential (Aries RFC 0809), bound to the holder's link secret: what is
 * signed is an AnonCreds credential, in the W3C form. Of credentials that are bound by a key, or not at all, Credo checks
 * neither the signature nor whose key it is, and would fetch what their contexts name: those are not taken.
 */
export class DataIntegrityFormat extends DataIntegrityDidCommCredentialFormatService {
  constructor(private readonly revocation: RevocationPort) {
    super()
  }

  override async createOffer(context: AgentContext, options: Options<'createOffer'>) {
    const made = await super.createOffer(context, options)
    forgetPlace(options.credentialExchangeRecord)
    keepNotes(options.credentialExchangeRecord, { preview: undefined, format: 'DATA_INTEGRITY' })
    return made
  }

  override async processOffer(context: AgentContext, options: Options<'processOffer'>): Promise<void> {
    const { attachment, credentialExchangeRecord: record } = options
    const offered = offer.parse(attachment.getDataAsJson())
    await super.processOffer(context, options)
    const { credentialSubject } = offered.credential
    const { cred_def_id: credentialDefinitionId } = offered.binding_method.anoncreds_link_secret
    record.metadata.set(AnonCredsCredentialMetadataKey, { credentialDefinitionId })
    // A preview can say anything else.
    const preview = Object.entries(credentialSubject).map(([name, value]) => ({ name, value: `${value}` }))
    keepNotes(record, { preview, format: 'DATA_INTEGRITY' })
  }

  override async acceptOffer(context: AgentContext, options: Options<'acceptOffer'>) {
    const { binding_method, credential } = offer.parse(options.offerAttachment.getDataAsJson())
    const { cred_def_id: definitionId } = binding_method.anoncreds_link_secret
    const { credentialDefinition } = await fetchCredentialDefinition(context, definitionId)
    if (credentialDefinition.issuerId !== credential.issuer) {
      throw new CredoError('The definition is not that of the issuer')
    }
    const dataIntegrity = { dataModelVersion: MODEL, anonCredsLinkSecret: {} } as const
    return super.acceptOffer(context, { ...options, credentialFormats: { dataIntegrity } })
  }

  override async processRequest(context: AgentContext, options: Options<'processRequest'>): Promise<void> {
    await super.processRequest(context, options)
    const { binding_proof } = request.parse(options.attachment.getDataAsJson())
    const offered = options.credentialExchangeRecord.metadata.get(AnonCredsCredentialMetadataKey)
    if (binding_proof.anoncreds_link_secret.cred_def_id !== offered?.credentialDefinitionId) {
      throw new Error('The request is not for what was offered')
    }
  }

  override async acceptRequest(context: AgentContext, options: Options<'acceptRequest'>) {
    const { credentialExchangeRecord: record, requestAttachment } = options
    request.parse(requestAttachment.getDataAsJson())
    const { credentialDefinitionId } = record.metadata.get(AnonCredsCredentialMetadataKey) ?? {}
    if (!credentialDefinitionId) throw new Error('Nothing was offered')
    await takePlace(context, this.revocation, record, credentialDefinitionId)
    return super.acceptRequest(context, options)
  }

  override async processCredential(context: AgentContext, options: Options<'processCredential'>): Promise<void> {
    const { credentialExchangeRecord: record, attachment } = options
    const { credential: json } = attachment.getDataAsJson() as { credential: Record<string, unknown> }
    const issued = await context
      .resolve<AnonCredsHolderService>(AnonCredsHolderServiceSymbol)
      .w3cToLegacyCredential(context, { credential: JsonTransformer.fromJSON(json, W3cJsonLdVerifiableCredential) })
    await assertAsOffered(context, record, issued)
    const { credentialDefinition } = await fetchCredentialDefinition(context, issued.cred_def_id)
    if (json['issuer'] !== credentialDefinition.issuerId) throw new Error('The issuer is not that of the definition')
    await super.processCredential(context, options)
    const { revocationRegistryId, credentialRevocationId } = record.metadata.get(AnonCredsCredentialMetadataKey) ?? {}
    // By these what the issuer tells of a revocation finds its exchange.
    record.setTags({
      anonCredsRevocationRegistryId: revocationRegistryId,
      anonCredsCredentialRevocationId: credentialRevocationId,
    })
    const repository = context.resolve(W3cCredentialRepository)
    const held = await repository.getById(context, record.credentials.at(-1)?.credentialRecordId ?? '')
    held.metadata.set(HELD_AS, { format: 'DATA_INTEGRITY' })
    await repository.update(context, held)
  }
}
