import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ByteReader } from '../lib/byte-reader.js'
import { SealedStreamError, seal, sealedLength, unseal } from '../lib/sealed-stream.js'

/**
 * A tenant in one file, sealed from its first byte to its last under the export key. Within: the manifest and the
 * messages that wait, each as JSON after its length (four bytes), then an Askar store in SQLite: the wallet, and what the
 * gateway served for the tenant.
 */
export const ARCHIVE_FORMAT = 1
/** The longest manifest, and the most of messages that wait (bytes). */
const JSON_MAX = 128 * 1024 * 1024
/** The most values that either may have: what is to be read must not keep the process from all else. */
const VALUES_MAX = 4_000_000

/** A sealed message that waits for a tenant. */
export interface QueuedMessage {
  digest: string
  bytes: number
  /** When it came: milliseconds since the epoch. */
  at: number
  envelope: Record<string, unknown>
}

const record = z.record(z.string(), z.unknown())
const manifestSchema = z.object({
  format: z.int(),
  /** Of what lies in the wallet. */
  storeFormat: z.int(),
  /** Of the program that wrote it. */
  version: z.string(),
  createdAt: z.string(),
  /** By which the audit logs of both gateways name it. */
  id: z.uuid(),
  /** The PUBLIC_URL of the gateway that it was made at; null for a wallet of none. */
  publicUrl: z.string().nullable(),
  tenant: z.object({
    id: z.uuid(),
    name: z.string(),
    label: z.string(),
    imageUrl: z.string().nullable(),
    groupId: z.string().nullable(),
    keyMode: z.enum(['MANAGED', 'UNMANAGED']),
    walletStorage: z.enum(['PROFILE', 'STORE']),
    eventDispatch: z.enum(['DEFAULT', 'BASE', 'BOTH']),
    /** Of its own, as peers know it. */
    endpoint: z.string().nullable(),
    settings: record,
    policy: record,
    createdAt: z.string(),
  }),
  /** The keys by which peers reach it: base58 of Ed25519 public keys. */
  recipientKeys: z.custom<string[]>((keys) => Array.isArray(keys) && keys.every((key) => typeof key === 'string')),
  /** Entries in the wallet, and messages that wait. */
  entries: z.int(),
  queued: z.int(),
  /** Lifecycle events that a wallet which was locked has not got: they stay with the gateway that it left. */
  lifecycleEventsLeft: z.int(),
  store: z.object({ key: z.string(), bytes: z.int(), sha256: z.string() }),
})
const messageSchema = z.object({
  digest: z.string(),
  bytes: z.int().nonnegative(),
  at: z.number(),
  envelope: record,
}) satisfies z.ZodType<QueuedMessage>

export type TenantManifest = z.output<typeof manifestSchema>

export interface TenantArchive {
  manifest: TenantManifest
  queue: QueuedMessage[]
  /** The file of the wallet's store. */
  store: AsyncIterable<Buffer>
}

/** It is no archive, not under this key, damaged or cut off. */
export class ArchiveError extends Error {
  constructor(cause?: unknown) {
    super('The archive cannot be read', { cause })
  }
}

/** A later version wrote the archive. */
export class LaterArchiveError extends Error {
  constructor() {
    super('A later version wrote this archive')
  }
}

/** Writes an archive. @returns its bytes, and how many there will be */
export function packArchive(
  key: Uint8Array,
  { manifest, queue, store }: TenantArchive,
): { length: number; bytes: AsyncIterable<Buffer> } {
  const front = Buffer.concat([manifest, queue].map(withLength))
  async function* content() {
    yield front
    yield* store
  }
  return { length: sealedLength(front.length + manifest.store.bytes), bytes: seal(key, content()) }
}

/**
 * Reads an archive. Its store must be read to the end, which proves that nothing is missing.
 * @throws ArchiveError, LaterArchiveError
 */
export async function unpackArchive(key: Uint8Array, bytes: AsyncIterable<Uint8Array>): Promise<TenantArchive> {
  const reader = new ByteReader(unseal(key, bytes))
  return readable(async () => {
    const head = (await withoutLength(reader)) as { format: number; storeFormat: number }
    if (head.format > ARCHIVE_FORMAT) throw new LaterArchiveError()
    const manifest = manifestSchema.parse(head)
    const waiting = await withoutLength(reader)
    if (!Array.isArray(waiting) || waiting.length !== manifest.queued) throw new ArchiveError()
    // One by one, as the first that is none ends it.
    const queue = waiting.map((message) => messageSchema.parse(message))
    return { manifest, queue, store: checked(reader.rest(), manifest) }
  })
}

/** What is read, its end and its checksum compared with what the manifest says. */
async function* checked(bytes: AsyncIterable<Buffer>, { store }: TenantManifest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const source = bytes[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await readable(() => source.next())
    if (done) break
    hash.update(value)
    yield value
  }
  if (hash.digest('hex') !== store.sha256) throw new ArchiveError()
}

/** What fails because of the bytes that came; a connection that breaks is not that. */
async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const isOfBytes = error instanceof SealedStreamError || error instanceof SyntaxError || error instanceof z.ZodError
    throw isOfBytes ? new ArchiveError(error) : error
  }
}

function withLength(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, json])
}

async function withoutLength(reader: ByteReader): Promise<unknown> {
  const length = (await reader.exactly(4)).readUInt32BE()
  if (length > JSON_MAX) throw new ArchiveError()
  const json = await reader.exactly(length)
  if (valuesIn(json) > VALUES_MAX) throw new ArchiveError()
  return JSON.parse(`${json}`)
}

/** At least as many values as there are in a JSON text. */
function valuesIn(json: Buffer): number {
  let values = 1
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === COMMA || byte === BRACE || byte === BRACKET) values++
  }
  return values
}

const [COMMA, BRACE, BRACKET] = Buffer.from(',{[')
