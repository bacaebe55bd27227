import { AnonCredsDidCommProofFormatService, LegacyIndyDidCommProofFormatService } from '@credo-ts/anoncreds'
import { type AgentContext, CredoError } from '@credo-ts/core'
import type { DidCommAttachment, DidCommProofExchangeRecord } from '@credo-ts/didcomm'
import { z } from 'zod'
import { ATTRIBUTES_MAX } from '../../anoncreds/index.js'
import { namesNoMore } from '../anoncreds/answered-request.js'
import { keepNotes } from './notes.js'

type Base = AnonCredsDidCommProofFormatService
type Indy = LegacyIndyDidCommProofFormatService
type Options<Method extends keyof Of, Of = Base> = Of[Method] extends (
  context: AgentContext,
  options: infer O,
) => unknown
  ? O
  : never

/** AnonCreds over present proof; what is asked, and what a presentation that holds reveals, stands on the record. */
export class ProofFormat extends AnonCredsDidCommProofFormatService {
  override async createRequest(context: AgentContext, options: Options<'createRequest'>) {
    const made = await super.createRequest(context, options)
    keepAsked(options.proofRecord, made.attachment)
    return made
  }

  /** A proposal has the form of the request that it asks for (Aries RFC 0771). */
  override createProposal(context: AgentContext, options: Options<'createProposal'>) {
    return this.createRequest(context, options as never)
  }

  override async processProposal(context: AgentContext, options: Options<'processProposal'>): Promise<void> {
    assertBounded(options.attachment)
    await super.processProposal(context, options)
    keepAsked(options.proofRecord, options.attachment)
  }

  override async acceptProposal(context: AgentContext, options: Options<'acceptProposal'>) {
    const made = await super.acceptProposal(context, options)
    keepAsked(options.proofRecord, made.attachment)
    return made
  }

  override async processRequest(context: AgentContext, options: Options<'processRequest'>): Promise<void> {
    assertBounded(options.attachment)
    await super.processRequest(context, options)
    keepAsked(options.proofRecord, options.attachment)
  }

  override async processPresentation(context: AgentContext, options: Options<'processPresentation'>) {
    const isValid = mayBeFetched(options) && (await super.processPresentation(context, options))
    if (isValid) keepNotes(options.proofRecord, { revealed: revealedBy(options.attachment.getDataAsJson()) })
    return isValid
  }
}

/** The same by the names that Indy has for the formats (Aries RFC 0592), as agents of present proof 1.0 have them too. */
export class IndyProofFormat extends LegacyIndyDidCommProofFormatService {
  override async createRequest(context: AgentContext, options: Options<'createRequest', Indy>) {
    const made = await super.createRequest(context, options)
    keepNotes(options.proofRecord, { request: made.attachment.getDataAsJson() })
    return made
  }

  override async processProposal(context: AgentContext, options: Options<'processProposal', Indy>): Promise<void> {
    assertBounded(options.attachment)
    await super.processProposal(context, options)
    keepAsked(options.proofRecord, options.attachment)
  }

  override async acceptProposal(context: AgentContext, options: Options<'acceptProposal', Indy>) {
    const made = await super.acceptProposal(context, options)
    keepAsked(options.proofRecord, made.attachment)
    return made
  }

  override async processRequest(context: AgentContext, options: Options<'processRequest', Indy>): Promise<void> {
    assertBounded(options.attachment)
    await super.processRequest(context, options)
    keepAsked(options.proofRecord, options.attachment)
  }

  override async processPresentation(context: AgentContext, options: Options<'processPresentation', Indy>) {
    const isValid = mayBeFetched(options) && (await super.processPresentation(context, options))
    if (isValid) keepNotes(options.proofRecord, { revealed: revealedBy(options.attachment.getDataAsJson()) })
    return isValid
  }
}

/** Before what the presentation names is fetched. */
function mayBeFetched({ attachment, requestAttachment }: Options<'processPresentation'>): boolean {
  return namesNoMore(attachment.getDataAsJson(), requestAttachment.getDataAsJson())
}

/** A whole schema, and as many predicates as a presentation may have. */
const THINGS_MAX = ATTRIBUTES_MAX + 100
const RESTRICTIONS_MAX = 500
/** Of each in all things: Credo compares names with all others, and looks at all restrictions for each referent. */
const TOTAL_MAX = 10_000
const listOf = (most: number) => z.array(z.unknown()).max(most).nullish()
const thing = z.looseObject({ names: listOf(ATTRIBUTES_MAX), restrictions: listOf(RESTRICTIONS_MAX) })
const things = z.record(z.string(), thing).nullish()
const bounded = z
  .looseObject({ requested_attributes: things, requested_predicates: things })
  .refine(({ requested_attributes, requested_predicates }) => {
    const asked = [requested_attributes, requested_predicates].flatMap((some) => Object.values(some ?? {}))
    const total = (of: 'names' | 'restrictions') => asked.reduce((sum, one) => sum + (one[of]?.length ?? 0), 0)
    return asked.length <= THINGS_MAX && total('names') <= TOTAL_MAX && total('restrictions') <= TOTAL_MAX
  })

/** That what a message asks for, or proposes, is not too much to be looked at. */
function assertBounded(attachment: DidCommAttachment): void {
  if (!bounded.safeParse(attachment.getDataAsJson()).success) throw new CredoError('The request asks for too much')
}

/** Where a message asks in another way as well, this stands. */
function keepAsked(record: DidCommProofExchangeRecord, attachment: DidCommAttachment): void {
  keepNotes(record, { request: attachment.getDataAsJson(), format: undefined })
}

interface Presentation {
  requested_proof: {
    revealed_attrs?: Record<string, { raw: string }>
    revealed_attr_groups?: Record<string, { values: Record<string, { raw: string }> }>
    self_attested_attrs?: Record<string, string>
  }
}

/** By referent: a value, or for a group of attributes their values by name. */
function revealedBy({ requested_proof: proof }: Presentation): Record<string, unknown> {
  const raw = (values: Record<string, { raw: string }> = {}) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.raw]))
  const groups = Object.entries(proof.revealed_attr_groups ?? {}).map(([name, { values }]) => [name, raw(values)])
  return { ...raw(proof.revealed_attrs), ...Object.fromEntries(groups), ...proof.self_attested_attrs }
}
