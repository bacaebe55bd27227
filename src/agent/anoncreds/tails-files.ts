import { createWriteStream } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AnonCredsModuleConfigOptions, AnonCredsRevocationRegistryDefinition } from '@credo-ts/anoncreds'
import { type AgentContext, CredoError } from '@credo-ts/core'
import { LRUCache } from 'lru-cache'
import type { Tails } from '../../hosting/tails.js'
import { base58Encode } from '../../lib/base58.js'
import type { GuardedFetch } from '../../lib/guarded-fetch.js'
import { newId, sha256 } from '../../lib/ids.js'
import { noteNeed } from '../outside-needs.js'

type TailsFileService = NonNullable<AnonCredsModuleConfigOptions['tailsFileService']>

/** Files that are kept at hand. */
const FILES_MAX = 100
/** A registry of ten thousand has 2.5 MB. */
const BYTES_MAX = 16 * 1024 * 1024
const HASH = /^[1-9A-HJ-NP-Za-km-z]{40,50}$/

/**
 * Tails files, by the hash of their content: of registries of this gateway from the store, of others from where their
 * definition says, checked. The library reads them from the disk.
 */
export class TailsFiles implements TailsFileService {
  private folder: Promise<string> | undefined
  private readonly files = new LRUCache<string, string>({
    max: FILES_MAX,
    dispose: (path) => void rm(path, { force: true }),
  })

  constructor(
    private readonly hosted: Tails,
    private readonly fetch: GuardedFetch,
  ) {}

  getTailsBasePath(): Promise<string> {
    this.folder ??= mkdtemp(join(tmpdir(), 'tenantry-tails-'))
    return this.folder
  }

  async getTailsFile(
    _context: AgentContext,
    {
      revocationRegistryDefinition: { value },
    }: { revocationRegistryDefinition: AnonCredsRevocationRegistryDefinition },
  ): Promise<{ tailsFilePath: string }> {
    const { tailsHash, tailsLocation } = value
    if (!HASH.test(tailsHash)) throw new CredoError('This is not the hash of a tails file')
    const known = this.files.get(tailsHash) ?? (await this.takeHosted(tailsHash))
    if (known) return { tailsFilePath: known }
    noteNeed(`tails ${tailsHash}`, () => this.download(tailsHash, tailsLocation).catch(() => {}))
    throw new CredoError('The tails file cannot be had')
  }

  async uploadTailsFile(): Promise<never> {
    throw new CredoError('Tails files are published with their registries')
  }

  async stop(): Promise<void> {
    if (this.folder) await rm(await this.folder, { recursive: true, force: true })
  }

  private async takeHosted(hash: string): Promise<string | undefined> {
    const size = await this.hosted.size(hash)
    if (size === undefined) return undefined
    return this.keep(hash, (path) => pipeline(Readable.from(this.hosted.read(hash, size)), createWriteStream(path)))
  }

  private async download(hash: string, location: string): Promise<void> {
    const { body } = await this.fetch.fetch(location, { maxBytes: BYTES_MAX })
    if (base58Encode(sha256(body)) !== hash) throw new CredoError('The tails file is another')
    await this.keep(hash, (path) => writeFile(path, body))
  }

  /** A file of a name is always whole. */
  private async keep(hash: string, write: (path: string) => Promise<void>): Promise<string> {
    const folder = await this.getTailsBasePath()
    const [draft, path] = [join(folder, `${hash}.${newId()}`), join(folder, hash)]
    await write(draft)
    await rename(draft, path)
    this.files.set(hash, path)
    return path
  }
}
