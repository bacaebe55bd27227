import {
  type AnonCredsHolderService,
  AnonCredsHolderServiceSymbol,
  type AnonCredsRequestedAttributeMatch,
  fetchCredentialDefinition,
  fetchSchema,
  getCredentialsForAnonCredsProofRequest,
} from '@credo-ts/anoncreds'
import {
  type AgentContext,
  CredoError,
  JsonTransformer,
  utils,
  type W3cCredentialRecord,
  W3cCredentialRepository,
  type W3cJsonLdVerifiableCredential,
} from '@credo-ts/core'
import {
  DidCommAttachment,
  DidCommAttachmentData,
  DidCommDifPresentationExchangeProofFormatService,
  type DidCommProofExchangeRecord,
  DidCommProofFormatSpec,
} from '@credo-ts/didcomm'
import { sha256 } from '../../lib/ids.js'
import { keepNotes, notesOf } from './notes.js'
import {
  DefinitionError,
  type Descriptor,
  passes,
  proved,
  readDefinition,
  requestOf,
  told,
} from './presentation-definition.js'
import { verifyShown } from './shown-presentation.js'

type Base = DidCommDifPresentationExchangeProofFormatService
type Options<Method extends keyof Base> = Base[Method] extends (context: AgentContext, options: infer O) => unknown
  ? O
  : never

/** What a request of this format holds (Aries RFC 0510). */
interface Asked {
  presentation_definition: { id: string; name?: string }
  options?: { challenge?: string; domain?: string }
}

/** Which credential answers each descriptor, by its id. */
export type DescriptorChoice = Record<string, string>

const SUBMISSION = 'dif/presentation-exchange/submission@v1.0'

/**
 * DIF Presentation Exchange over present proof (Aries RFC 0510), for credentials of AnonCreds in the W3C form. Credo's own
 * would have whoever asks run paths and patterns over the whole wallet, and take from the prover what answers what.
 */
export class PresentationExchangeFormat extends DidCommDifPresentationExchangeProofFormatService {
  override async createRequest(context: AgentContext, options: Options<'createRequest'>) {
    const made = await super.createRequest(context, options)
    const { presentation_definition: request } = made.attachment.getDataAsJson() as Asked
    keepNotes(options.proofRecord, { request: { ...request }, format: 'PRESENTATION_EXCHANGE', askedAt: now() })
    return made
  }

  override async createProposal(context: AgentContext, options: Options<'createProposal'>) {
    const made = await super.createProposal(context, options)
    keepAsked(options.proofRecord, made.attachment.getDataAsJson() as object)
    return made
  }

  override async processProposal(_: AgentContext, { attachment, proofRecord }: Options<'processProposal'>) {
    keepAsked(proofRecord, assertDefinition(attachment.getDataAsJson()))
  }

  /** As proposed; what AnonCreds cannot answer is not asked. */
  override async acceptProposal(context: AgentContext, options: Options<'acceptProposal'>) {
    const presentationDefinition = options.proposalAttachment.getDataAsJson()
    read(presentationDefinition)
    return this.createRequest(context, {
      ...options,
      proofFormats: { presentationExchange: { presentationDefinition } },
    } as never)
  }

  override async processRequest(_: AgentContext, { attachment, proofRecord }: Options<'processRequest'>) {
    const { presentation_definition: definition } = attachment.getDataAsJson() as Asked
    keepAsked(proofRecord, assertDefinition(definition))
  }

  /** For each descriptor what fits, as AnonCreds tells it of referents. */
  override async getCredentialsForRequest(
    context: AgentContext,
    { requestAttachment }: Options<'getCredentialsForRequest'>,
  ) {
    const { presentation_definition: definition } = requestAttachment.getDataAsJson() as Asked
    const descriptors = read(definition)
    const request = requestOf(descriptors, '0', now)
    const options = { filterByNonRevocationRequirements: false }
    const { attributes, predicates } = await getCredentialsForAnonCredsProofRequest(context, request, options)
    const fitting: Record<string, AnonCredsRequestedAttributeMatch[]> = {}
    for (const [index, descriptor] of descriptors.entries()) {
      const lists = [
        ...(descriptor.attributes.length > 0 ? [attributes[told(index)] ?? []] : []),
        ...descriptor.predicates.map((_, which) => predicates[proved(index, which)] ?? []),
      ]
      const [first = [], ...others] = lists
      fitting[descriptor.id] = (first as AnonCredsRequestedAttributeMatch[]).filter(
        ({ credentialId, credentialInfo }) =>
          others.every((list) => list.some((other) => other.credentialId === credentialId)) &&
          states(credentialInfo.attributes, descriptor),
      )
    }
    return fitting as never
  }

  override async selectCredentialsForRequest(
    context: AgentContext,
    options: Options<'selectCredentialsForRequest'>,
  ): Promise<never> {
    const fitting = (await this.getCredentialsForRequest(context, options)) as Record<
      string,
      AnonCredsRequestedAttributeMatch[]
    >
    const chosen: DescriptorChoice = {}
    for (const [id, credentials] of Object.entries(fitting)) {
      const first = credentials.find(({ revoked }) => revoked !== true)
      if (!first) throw new CredoError('No credential of this wallet answers the request')
      chosen[id] = first.credentialId
    }
    return { credentials: chosen } as never
  }

  override async acceptRequest(context: AgentContext, options: Options<'acceptRequest'>) {
    const { requestAttachment, attachmentId, proofFormats } = options
    const { presentation_definition: definition, options: bound } = requestAttachment.getDataAsJson() as Asked
    if (typeof bound?.challenge !== 'string') throw new CredoError('The request has no challenge')
    const chosen = (proofFormats?.presentationExchange?.credentials ??
      ((await this.selectCredentialsForRequest(context, options)) as { credentials: unknown })
        .credentials) as DescriptorChoice
    const descriptors = read(definition)
    const records: W3cCredentialRecord[] = []
    const places: number[] = []
    for (const { id } of descriptors) {
      const known = records.findIndex((record) => record.id === chosen[id])
      places.push(known === -1 ? records.length : known)
      if (known !== -1) continue
      records.push(await context.resolve(W3cCredentialRepository).getById(context, chosen[id] ?? ''))
    }
    const presentation = await present(context, descriptors, places, records, nonceOf(bound.challenge))
    const format = new DidCommProofFormatSpec({ format: SUBMISSION, ...(attachmentId && { attachmentId }) })
    const json = {
      ...presentation,
      presentation_submission: {
        id: utils.uuid(),
        definition_id: definition.id,
        descriptor_map: descriptors.map(({ id }, index) => ({
          ...{ id, format: 'di_vp', path: `$.verifiableCredential[${places[index]}]` },
        })),
      },
    }
    const data = new DidCommAttachmentData({ json: json as never })
    const attachment = new DidCommAttachment({ id: format.attachmentId, mimeType: 'application/json', data })
    return { format, attachment }
  }

  override async processPresentation(context: AgentContext, options: Options<'processPresentation'>): Promise<boolean> {
    const { requestAttachment, attachment, proofRecord } = options
    const asked = requestAttachment.getDataAsJson() as Asked
    const { askedAt } = notesOf(proofRecord)
    if (!asked.options?.challenge || askedAt === undefined) return false
    const revealed = await verifyShown(context, attachment.getDataAsJson(), {
      definition: asked.presentation_definition,
      nonce: nonceOf(asked.options.challenge),
      at: askedAt,
    })
    if (revealed) keepNotes(proofRecord, { revealed })
    return revealed !== undefined
  }
}

/** What AnonCreds knows of a credential. */
interface AnonCredsTags {
  anonCredsCredentialDefinitionId?: string
  anonCredsLinkSecretId?: string
  anonCredsRevocationRegistryId?: string
}

/** AnonCreds wants a number: as Credo and ACA-Py make one of the challenge. */
function nonceOf(challenge: string): string {
  return BigInt(`0x${sha256(challenge).toString('hex')}`)
    .toString()
    .slice(0, 20)
}

const now = () => Math.floor(Date.now() / 1000)

async function present(
  context: AgentContext,
  descriptors: readonly Descriptor[],
  places: readonly number[],
  records: readonly W3cCredentialRecord[],
  nonce: string,
): Promise<object> {
  const at = now()
  const tags = records.map((record) => record.getTags() as unknown as AnonCredsTags)
  const definitionIds = tags.map(({ anonCredsCredentialDefinitionId: id }) => id)
  const [linkSecretId, ...others] = new Set(tags.map(({ anonCredsLinkSecretId: id }) => id))
  if (others.length > 0) throw new CredoError('The credentials are bound to more than one link secret')
  const request = requestOf(
    descriptors,
    nonce,
    () => at,
    (_, index) => [{ cred_def_id: definitionIds[places[index] ?? -1] ?? '' }],
  )
  const proves = descriptors.flatMap(({ attributes, predicates }, index) => {
    const entryIndex = places[index] as number
    return [
      ...(attributes.length > 0 ? [{ entryIndex, referent: told(index), isPredicate: false, reveal: true }] : []),
      ...predicates.map((_, which) => ({
        entryIndex,
        referent: proved(index, which),
        isPredicate: true,
        reveal: true,
      })),
    ]
  })
  const credentials = records.map((record, place) => {
    const isAsked = descriptors.some(({ active }, index) => active && places[index] === place)
    const isRevocable = tags[place]?.anonCredsRevocationRegistryId !== undefined
    const credential = record.firstCredential as W3cJsonLdVerifiableCredential
    return { credential, nonRevoked: isAsked && isRevocable ? { from: at, to: at } : undefined }
  })
  const schemas: Parameters<AnonCredsHolderService['createW3cPresentation']>[1]['schemas'] = {}
  const definitions: Parameters<AnonCredsHolderService['createW3cPresentation']>[1]['credentialDefinitions'] = {}
  for (const id of definitionIds) {
    if (!id) throw new CredoError('A credential is none of AnonCreds')
    const { credentialDefinition } = await fetchCredentialDefinition(context, id)
    definitions[id] = credentialDefinition
    schemas[credentialDefinition.schemaId] = (await fetchSchema(context, credentialDefinition.schemaId)).schema
  }
  const presentation = await context
    .resolve<AnonCredsHolderService>(AnonCredsHolderServiceSymbol)
    .createW3cPresentation(context, {
      proofRequest: request,
      credentialsProve: proves,
      credentialsWithRevocationMetadata: credentials as never,
      ...{ linkSecretId: linkSecretId ?? '', schemas, credentialDefinitions: definitions },
    })
  return JsonTransformer.toJSON(presentation)
}

function states(attributes: Record<string, string | number>, { attributes: asked, predicates }: Descriptor): boolean {
  const isTold = ({ name, filter }: Descriptor['attributes'][number]) => {
    const value = String(attributes[name] ?? '')
    return !LOSES_SIGN.test(value) && passes(value, filter)
  }
  return (
    asked.every(isTold) && predicates.every(({ name, type, value }) => PROVABLE[type](Number(attributes[name]), value))
  )
}

/** The library packs a negative number that is told without its sign, and then refuses it. */
const LOSES_SIGN = /^-\d{1,10}$/

const PROVABLE = {
  '>=': (a: number, b: number) => a >= b,
  '>': (a: number, b: number) => a > b,
  '<=': (a: number, b: number) => a <= b,
  '<': (a: number, b: number) => a < b,
}

/** Where a message asks in both ways, what AnonCreds asks stands. */
function keepAsked(record: DidCommProofExchangeRecord, definition: object): void {
  const { request, format } = notesOf(record)
  if (request !== undefined && format !== 'PRESENTATION_EXCHANGE') return
  keepNotes(record, { request: { ...definition }, format: 'PRESENTATION_EXCHANGE' })
}

function assertDefinition(definition: unknown): object {
  const isOne = typeof definition === 'object' && definition !== null && !Array.isArray(definition)
  if (!isOne) throw new CredoError('There is no presentation definition')
  return definition
}

/** @throws CredoError where AnonCreds cannot answer it */
function read(definition: unknown): Descriptor[] {
  try {
    return readDefinition(definition)
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    throw new CredoError('The definition asks for what AnonCreds cannot answer', { cause: error })
  }
}
