import { base58Encode } from '../lib/base58.js'
import { sha256 } from '../lib/ids.js'
import type { Entry } from '../storage/entry.js'
import type { Profile } from '../storage/profile.js'
import type { Unit } from '../storage/unit.js'

const FILES = 'hosted-tails'
const CHUNKS = 'hosted-tails-chunk'

export { CHUNKS as TAILS_CHUNKS, FILES as TAILS_FILES }

const CHUNK_BYTES = 192 * 1024

/** What is known of a tails file; several tenants may have published the same bytes. */
interface TailsFile {
  size: number
  tenants: string[]
}

/** Tails files by the hash of their bytes, in pieces, so that none is ever whole in one entry or one answer. */
export class Tails {
  constructor(private readonly base: Profile) {}

  /** How large a file is; undefined where there is none of this hash. */
  async size(hash: string): Promise<number | undefined> {
    const entry = await this.base.fetch(FILES, hash)
    return entry && (JSON.parse(entry.value) as TailsFile).size
  }

  /** The bytes of a file of `size`, piece by piece. @throws where it goes meanwhile */
  async *read(hash: string, size: number): AsyncGenerator<Buffer> {
    for (let index = 0; index * CHUNK_BYTES < size; index++) {
      const entry = await this.base.fetch(CHUNKS, `${hash}/${index}`)
      if (!entry) throw new Error('The tails file is gone')
      yield Buffer.from(JSON.parse(entry.value) as string, 'base64')
    }
  }

  async publish(unit: Unit, tenantId: string, { hash, bytes }: { hash: string; bytes: Uint8Array }): Promise<void> {
    if (base58Encode(sha256(bytes)) !== hash) throw new Error('A tails file is not what its hash says')
    const known = await unit.fetch(FILES, hash)
    const tenants = known ? (JSON.parse(known.value) as TailsFile).tenants : []
    if (tenants.includes(tenantId)) return
    const entry = fileEntry(hash, { size: bytes.length, tenants: [...tenants, tenantId] })
    if (known) return void (await unit.replace(entry))
    unit.insert(entry)
    for (let index = 0; index * CHUNK_BYTES < bytes.length; index++) {
      const chunk = Buffer.from(bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)).toString('base64')
      unit.insert({ category: CHUNKS, name: `${hash}/${index}`, value: JSON.stringify(chunk), tags: { hash } })
    }
  }

  /** The files that a tenant has published, each with its pieces, as they lie in the base wallet. */
  async *entriesOf(tenantId: string): AsyncGenerator<Entry> {
    for (const file of await this.base.query(FILES, { tenant: tenantId })) {
      const { size } = JSON.parse(file.value) as TailsFile
      yield file
      for (let index = 0; index * CHUNK_BYTES < size; index++) {
        const chunk = await this.base.fetch(CHUNKS, `${file.name}/${index}`)
        if (chunk) yield chunk
      }
    }
  }

  /** Removes the files that only this tenant has published. */
  async withdrawAll(unit: Unit, tenantId: string): Promise<void> {
    for (const { name, value } of await unit.query(FILES, { tenant: tenantId })) {
      const { size, tenants } = JSON.parse(value) as TailsFile
      const rest = tenants.filter((tenant) => tenant !== tenantId)
      if (rest.length > 0) {
        await unit.replace(fileEntry(name, { size, tenants: rest }))
      } else {
        await unit.remove(FILES, name)
        unit.clear(CHUNKS, { hash: name })
      }
    }
  }
}

/** The bytes of a file whose pieces are among `chunks`, by their names. */
export function joinedTails(hash: string, chunks: ReadonlyMap<string, string>): Buffer {
  const pieces: Buffer[] = []
  for (let index = 0; ; index++) {
    const chunk = chunks.get(`${hash}/${index}`)
    if (chunk === undefined) return Buffer.concat(pieces)
    pieces.push(Buffer.from(JSON.parse(chunk) as string, 'base64'))
  }
}

const fileEntry = (hash: string, file: TailsFile) => ({
  category: FILES,
  name: hash,
  value: JSON.stringify(file),
  tags: { tenant: file.tenants },
})
