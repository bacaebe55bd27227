import type { AgentContext, W3cCredentialRecord } from '@credo-ts/core'
import type { Descriptor } from './presentation-definition.js'

/** A credential of the wallet that answers a descriptor, told as AnonCreds tells it of referents. */
export interface Match {
  credentialId: string
  credentialInfo: { attributes: Record<string, unknown> }
  revoked?: boolean | undefined
}

/** What is asked, by a presentation definition. */
export interface Question {
  definitionId: string
  descriptors: readonly Descriptor[]
  challenge: string
  domain?: string | undefined
}

/** What answers it: a credential for each descriptor, by its place among the records. */
export interface Chosen {
  records: readonly W3cCredentialRecord[]
  places: readonly number[]
}

/** How presentation definitions are answered by credentials of one kind. */
export interface Answers {
  /** For each descriptor what fits, the newest first. */
  fitting(context: AgentContext, descriptors: readonly Descriptor[]): Promise<Record<string, Match[]>>
  /** The presentation, as it is attached. */
  present(context: AgentContext, question: Question, chosen: Chosen): Promise<object | string>
  /**
   * @param askedAt seconds since the epoch
   * @returns what is told, by descriptor; undefined where the presentation does not hold
   */
  verify(
    context: AgentContext,
    question: Question,
    presented: unknown,
    askedAt: number,
  ): Promise<Record<string, Record<string, unknown>> | undefined>
}
