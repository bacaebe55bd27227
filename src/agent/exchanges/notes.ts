import type { DidCommCredentialExchangeRecord, DidCommProofExchangeRecord } from '@credo-ts/didcomm'
import { currentUnit, type Unit } from '../../storage/unit.js'

/** What an exchange's record has of ours, under this name of its metadata. */
export const EXCHANGE = 'tenantry/exchange'

/** What an exchange's record says beside what Credo keeps in it, so that it can be shown without its messages. */
export interface ExchangeNotes {
  /** What was written with its last proposal, offer or request. */
  comment?: string
  /** What the credential is to state, as the other side has proposed or offered it. */
  preview?: { name: string; value: string }[]
  /** The record of the invitation that it came from. */
  invitationId?: string
  /** What its messages are made as, where not in the AnonCreds form by the names of that. */
  format?: 'INDY' | 'DATA_INTEGRITY' | 'PRESENTATION_EXCHANGE' | undefined
  /** The presentation request. */
  request?: Record<string, unknown>
  /** As verifier, by presentation exchange: when it was asked, in seconds since the epoch. */
  askedAt?: number
  /** What a presentation that holds reveals, by referent. */
  revealed?: Record<string, unknown>
  /** Set while the issuer has agreed to issue, and waits for a revocation registry. */
  waiting?: boolean
  /** As issuer: revoked, in a status list that is served. */
  revoked?: boolean
}

export type ExchangeRecord = DidCommCredentialExchangeRecord | DidCommProofExchangeRecord

const notesOfUnit = new WeakMap<Unit, ExchangeNotes>()

/** Tells of the exchange that this unit of work is about to begin: its record is told of as it is first written. */
export function noteExchange(notes: ExchangeNotes): void {
  const unit = currentUnit()
  if (unit) notesOfUnit.set(unit, { ...notesOfUnit.get(unit), ...notes })
}

/** Puts what is known into a record, with what the unit of work was told. */
export function keepNotes(record: ExchangeRecord, notes: ExchangeNotes = {}): void {
  const unit = currentUnit()
  record.metadata.set(EXCHANGE, {
    ...record.metadata.get<ExchangeNotes>(EXCHANGE),
    ...(unit ? notesOfUnit.get(unit) : {}),
    ...notes,
  })
}

export const notesOf = (record: ExchangeRecord): ExchangeNotes => record.metadata.get<ExchangeNotes>(EXCHANGE) ?? {}
