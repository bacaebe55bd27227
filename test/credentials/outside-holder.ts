import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnonCredsProof, AnonCredsProofRequest, AnonCredsRevocationStatusList } from '@credo-ts/anoncreds'
import type { AnonCredsWorkers, Args, Result } from '../../src/anoncreds/index.js'
import { type AnyDid, urlOf } from '../dids/did-api.js'
import { attachedTo, type Line, type Rogue, threadOf } from './rogue.js'
import { attributesOf, type Issuer, OPERATIONS } from './story.js'

const HOLDER = 'outside holder'

/** A credential in the hands of an outside holder, with all that it refers to. */
export interface Held {
  exchangeId: string
  credential: Result<'legacyToW3c'>
  registryId: string
  index: number
  schemaId: string
  definitionId: string
}

/** What is published under an id, from where it is served. */
export async function published(id: string): Promise<AnyDid> {
  const [did, file] = id.split(/(?<=^[^/]*)\//) as [string, string]
  return (await fetch(urlOf(did, file))).json()
}

/** The status list of a registry that was published last. */
export async function lastList(registryId: string): Promise<AnonCredsRevocationStatusList> {
  const { links } = await published(registryId)
  return (await published(links.at(-1).id)).content
}

/** A holder that computes with the library itself, so that it can make of a presentation what it likes. */
export class OutsideHolder {
  private constructor(
    private readonly workers: AnonCredsWorkers,
    private readonly rogue: Rogue,
    private readonly linkSecret: string,
  ) {}

  static async create(workers: AnonCredsWorkers, rogue: Rogue): Promise<OutsideHolder> {
    return new OutsideHolder(workers, rogue, await workers.call(HOLDER, 'createLinkSecret', {}))
  }

  /** The request for what an offer offers. */
  async requestFor(offer: Args<'createCredentialRequest'>['offer']) {
    const definition = (await published(offer.cred_def_id)).content
    return this.workers.call(HOLDER, 'createCredentialRequest', {
      offer,
      definition,
      linkSecret: this.linkSecret,
      linkSecretId: 'mine',
    })
  }

  /** Has a credential issued, as any holder would. */
  async obtain(issuer: Issuer, line: Line, name: string): Promise<Held> {
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: line.connectionId,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf(name),
      },
    })
    const { id: exchangeId, threadId } = offerCredential.credentialExchange
    const isOf = (message: AnyDid) => threadOf(message) === threadId
    const offer = attachedTo(await this.rogue.received('/offer-credential', isOf), 'offers')
    const { credentialRequest, credentialRequestMetadata } = await this.requestFor(offer)
    await this.rogue.send(line, 'issue-credential/2.0/request-credential', threadId, {
      attach: 'requests',
      format: 'anoncreds/credential-request@v1.0',
      data: credentialRequest,
    })
    const credential = attachedTo(await this.rogue.received('/issue-credential', isOf), 'credentials')
    await this.rogue.send(line, 'issue-credential/2.0/ack', threadId, { status: 'OK' })
    const { cred_def_id: definitionId, schema_id: schemaId, rev_reg_id: registryId } = credential
    const definition = (await published(definitionId)).content
    const mine = await this.workers.call(HOLDER, 'legacyToW3c', {
      credential,
      issuerId: definition.issuerId,
      processing: {
        requestMetadata: credentialRequestMetadata,
        linkSecret: this.linkSecret,
        definition,
        registry: (await published(registryId)).content,
      },
    })
    const { revocationRegistryIndex } = await this.workers.call(HOLDER, 'readW3c', { credential: mine })
    return { exchangeId, credential: mine, registryId, index: Number(revocationRegistryIndex), schemaId, definitionId }
  }

  /** The same in the W3C form. */
  async presentW3c(...[request, shown]: Parameters<OutsideHolder['presenting']>): Promise<AnyDid> {
    return this.workers.call(HOLDER, 'createW3cPresentation', await this.presenting(request, shown))
  }

  /** A credential of its own, changed in the AnonCreds form. */
  async changed(held: Held, change: (credential: AnyDid) => void): Promise<Held> {
    const credential = await this.workers.call(HOLDER, 'w3cToLegacy', { credential: held.credential })
    change(credential)
    const { issuerId } = (await published(held.definitionId)).content
    return { ...held, credential: await this.workers.call(HOLDER, 'legacyToW3c', { credential, issuerId }) }
  }

  /**
   * Makes a presentation.
   * @param shown with which list each credential is shown, none for one that does not tell whether it is revoked, and
   * which referents it answers
   */
  async present(
    request: AnonCredsProofRequest,
    shown: { held: Held; list?: AnonCredsRevocationStatusList; reveal?: string[]; hide?: string[]; prove?: string[] }[],
    selfAttested: Record<string, string> = {},
  ): Promise<AnonCredsProof> {
    const presenting = await this.presenting(request, shown)
    return this.workers.call(HOLDER, 'createPresentation', { ...presenting, selfAttested })
  }

  private async presenting(
    request: AnonCredsProofRequest,
    shown: Parameters<OutsideHolder['present']>[1],
  ): Promise<Args<'createW3cPresentation'>> {
    const credentials: Args<'createW3cPresentation'>['credentials'] = []
    const proves: Args<'createW3cPresentation'>['proves'] = []
    const schemas: Args<'createW3cPresentation'>['schemas'] = {}
    const definitions: Args<'createW3cPresentation'>['definitions'] = {}
    for (const [entryIndex, { held, list, reveal = [], hide = [], prove = [] }] of shown.entries()) {
      schemas[held.schemaId] = (await published(held.schemaId)).content
      definitions[held.definitionId] = (await published(held.definitionId)).content
      credentials.push(list ? await this.withList(held, list) : { credential: held.credential })
      for (const referent of reveal) proves.push({ entryIndex, referent, isPredicate: false, reveal: true })
      for (const referent of hide) proves.push({ entryIndex, referent, isPredicate: false, reveal: false })
      for (const referent of prove) proves.push({ entryIndex, referent, isPredicate: true, reveal: true })
    }
    return { request, credentials, proves, linkSecret: this.linkSecret, schemas, definitions }
  }

  private async withList({ credential, registryId, index }: Held, statusList: AnonCredsRevocationStatusList) {
    const { content: definition } = await published(registryId)
    const { tailsHash, tailsLocation } = definition.value
    const tailsPath = join(await this.workers.tailsFolder(), tailsHash)
    await writeFile(tailsPath, Buffer.from(await (await fetch(tailsLocation)).arrayBuffer()))
    return {
      credential,
      timestamp: statusList.timestamp,
      nonRevocation: { definition, statusList, index, tailsPath },
    }
  }
}
