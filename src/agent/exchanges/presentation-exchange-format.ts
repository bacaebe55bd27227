import { type AgentContext, CredoError, type W3cCredentialRecord, W3cCredentialRepository } from '@credo-ts/core'
import {
  DidCommAttachment,
  DidCommAttachmentData,
  DidCommDifPresentationExchangeProofFormatService,
  type DidCommProofExchangeRecord,
  DidCommProofFormatSpec,
} from '@credo-ts/didcomm'
import { anoncredsAnswers } from './anoncreds-answers.js'
import type { Answers, Match, Question } from './answers.js'
import { jwtAnswers } from './jwt-answers.js'
import { keepNotes, notesOf } from './notes.js'
import { DefinitionError, type Descriptor, readDefinition } from './presentation-definition.js'

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
type DescriptorChoice = Record<string, string>

const SUBMISSION = 'dif/presentation-exchange/submission@v1.0'

/**
 * DIF Presentation Exchange over present proof (Aries RFC 0510), for credentials of AnonCreds and W3C JWTs. Credo's own
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

  /** As proposed; what cannot be answered is not asked. */
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
    const { descriptors } = questionIn(requestAttachment)
    return (await answersTo(descriptors).fitting(context, descriptors)) as never
  }

  override async selectCredentialsForRequest(
    context: AgentContext,
    options: Options<'selectCredentialsForRequest'>,
  ): Promise<never> {
    const fitting = (await this.getCredentialsForRequest(context, options)) as unknown as Record<string, Match[]>
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
    const question = questionIn(requestAttachment)
    const chosen = (proofFormats?.presentationExchange?.credentials ??
      ((await this.selectCredentialsForRequest(context, options)) as { credentials: unknown })
        .credentials) as DescriptorChoice
    const records: W3cCredentialRecord[] = []
    const places: number[] = []
    for (const { id } of question.descriptors) {
      const known = records.findIndex((record) => record.id === chosen[id])
      places.push(known === -1 ? records.length : known)
      if (known !== -1) continue
      records.push(await context.resolve(W3cCredentialRepository).getById(context, chosen[id] ?? ''))
    }
    const json = await answersTo(question.descriptors).present(context, question, { records, places })
    const format = new DidCommProofFormatSpec({ format: SUBMISSION, ...(attachmentId && { attachmentId }) })
    const data = new DidCommAttachmentData({ json: json as never })
    const attachment = new DidCommAttachment({ id: format.attachmentId, mimeType: 'application/json', data })
    return { format, attachment }
  }

  override async processPresentation(context: AgentContext, options: Options<'processPresentation'>): Promise<boolean> {
    const { requestAttachment, attachment, proofRecord } = options
    const question = questionIn(requestAttachment)
    const { askedAt } = notesOf(proofRecord)
    if (askedAt === undefined) return false
    const answers = answersTo(question.descriptors)
    const revealed = await answers.verify(context, question, attachment.getDataAsJson(), askedAt)
    if (revealed) keepNotes(proofRecord, { revealed })
    return revealed !== undefined
  }
}

const now = () => Math.floor(Date.now() / 1000)

/** All descriptors of a definition are of one kind. */
const answersTo = ([first]: readonly Descriptor[]): Answers => (first?.kind === 'JWT' ? jwtAnswers : anoncredsAnswers)

/** @throws CredoError where it cannot be answered */
function questionIn(attachment: DidCommAttachment): Question {
  const { presentation_definition: definition, options } = attachment.getDataAsJson() as Asked
  const descriptors = read(definition)
  if (typeof options?.challenge !== 'string') throw new CredoError('The request has no challenge')
  return { definitionId: definition.id, descriptors, challenge: options.challenge, domain: options.domain }
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

/** @throws CredoError where it cannot be answered */
function read(definition: unknown): Descriptor[] {
  try {
    return readDefinition(definition)
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    throw new CredoError('The definition asks for what is not answered here', { cause: error })
  }
}
