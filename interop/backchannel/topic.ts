/** What the harness sends and gets: JSON objects of many shapes. */
export type Json = Record<string, unknown>

/** An operation of a topic: `POST /agent/command/{topic}/{operation}` with `{id, data}`. */
export type Operation = (id: string | undefined, data: Json) => Promise<Json>

/** One topic of the harness, as far as the gateway has what it asks for; the rest is answered by 501. */
export interface Topic {
  /** `GET /agent/command/{topic}/{id}`: a record, with its state. */
  get?(id: string): Promise<Json>
  /** `GET /agent/command/{topic}`: what needs no id. */
  look?(): Promise<Json | Json[]>
  /** `GET /agent/command/{topic}/{operation}/{id}` */
  lookups?: Record<string, (id: string) => Promise<Json>>
  /** By name; that without one is `POST /agent/command/{topic}`. */
  operations?: Record<string, Operation>
  /** `DELETE /agent/command/{topic}/{id}` */
  remove?(id: string): Promise<Json>
  /** `GET /agent/response/{topic}/{id}`: what has come for an id; `{}` where nothing has. */
  told?(id: string): Promise<Json>
}

/** The gateway has nothing that does this, or does it by another way only: 501. */
export class NotMapped extends Error {}

/** An answer that is neither what was asked for nor a fault of the backchannel. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

export const notMapped =
  (reason: string): Operation =>
  async () => {
    throw new NotMapped(reason)
  }

/** @throws {Refusal} 400 where an operation lacks what it is about */
export function required(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new Refusal(400, `${name} is missing`)
}

/** A part of what the harness sends that is an object; empty where there is none. */
export const part = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

/** A state as the RFCs write it: `REQUEST_RECEIVED` is `request-received`. */
export const stateName = (state: string) => state.toLowerCase().replaceAll('_', '-')
