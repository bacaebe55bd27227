import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AnonCredsRegistry, AnonCredsRevocationStatusList, TailsFileService } from '@credo-ts/anoncreds'
import type { DidResolver } from '@credo-ts/core'
import { multikeyOf } from '../../src/lib/multibase.js'
import { type StockWallet, startStockWallet } from '../support/stock-wallet.js'
import type { TestCheqd } from './ledger.js'

const NOTHING = { resolutionMetadata: { error: 'notFound' } }
const hex = (text: string) => createHash('sha256').update(text).digest('hex')

/** Writes what an agent publishes to a ledger, under the names that Credo's own module for cheqd gives it. */
class LedgerWriter implements AnonCredsRegistry {
  readonly methodName = 'cheqd'
  readonly supportedIdentifier = /^did:cheqd:/
  readonly allowsCaching = false
  readonly allowsLocalRecord = true

  constructor(private readonly ledger: TestCheqd) {}

  registerSchema: AnonCredsRegistry['registerSchema'] = async (_, { schema }) => {
    const { issuerId, ...content } = schema
    const schemaId = this.ledger.write(issuerId, { name: `${schema.name}-Schema`, type: 'anonCredsSchema', content })
    return { schemaState: { state: 'finished', schema, schemaId }, registrationMetadata: {}, schemaMetadata: {} }
  }

  getSchema: AnonCredsRegistry['getSchema'] = async (_, schemaId) => {
    const schema = this.read(schemaId)
    return { ...(schema ? { schema, resolutionMetadata: {} } : NOTHING), schemaId, schemaMetadata: {} } as never
  }

  registerCredentialDefinition: AnonCredsRegistry['registerCredentialDefinition'] = async (_, options) => {
    const { issuerId, ...content } = options.credentialDefinition
    const schema = this.ledger.read(content.schemaId)?.content
    const name = hex(`${schema?.['name']}-${content.tag}`)
    const credentialDefinitionId = this.ledger.write(issuerId, { name, type: 'anonCredsCredDef', content })
    const { credentialDefinition } = options
    return {
      credentialDefinitionState: { state: 'finished', credentialDefinition, credentialDefinitionId },
      registrationMetadata: {},
      credentialDefinitionMetadata: {},
    }
  }

  getCredentialDefinition: AnonCredsRegistry['getCredentialDefinition'] = async (_, credentialDefinitionId) => {
    const credentialDefinition = this.read(credentialDefinitionId)
    return {
      ...(credentialDefinition ? { credentialDefinition, resolutionMetadata: {} } : NOTHING),
      credentialDefinitionId,
      credentialDefinitionMetadata: {},
    } as never
  }

  registerRevocationRegistryDefinition: AnonCredsRegistry['registerRevocationRegistryDefinition'] = async (
    _,
    { revocationRegistryDefinition },
  ) => {
    const { issuerId, ...content } = revocationRegistryDefinition
    const name = hex(`${this.ledger.read(content.credDefId)?.name}-${content.tag}`)
    const id = this.ledger.write(issuerId, { name, type: 'anonCredsRevocRegDef', content })
    return {
      revocationRegistryDefinitionState: {
        state: 'finished',
        revocationRegistryDefinition,
        revocationRegistryDefinitionId: id,
      },
      registrationMetadata: {},
      revocationRegistryDefinitionMetadata: {},
    }
  }

  getRevocationRegistryDefinition: AnonCredsRegistry['getRevocationRegistryDefinition'] = async (_, id) => {
    const revocationRegistryDefinition = this.read(id)
    return {
      ...(revocationRegistryDefinition ? { revocationRegistryDefinition, resolutionMetadata: {} } : NOTHING),
      revocationRegistryDefinitionId: id,
      revocationRegistryDefinitionMetadata: {},
    } as never
  }

  registerRevocationStatusList: AnonCredsRegistry['registerRevocationStatusList'] = async (_, options) => {
    const { issuerId, timestamp: _time, ...content } = options.revocationStatusList as AnonCredsRevocationStatusList
    const { name = '' } = this.ledger.read(content.revRegDefId) ?? {}
    this.ledger.write(issuerId, { name, type: 'anonCredsStatusList', content })
    const revocationStatusList = options.revocationStatusList as AnonCredsRevocationStatusList
    return {
      revocationStatusListState: { state: 'finished', revocationStatusList },
      registrationMetadata: {},
      revocationStatusListMetadata: {},
    }
  }

  getRevocationStatusList: AnonCredsRegistry['getRevocationStatusList'] = async (_, id, time) => {
    const [issuerId = ''] = id.split('/')
    const { name = '' } = this.ledger.read(id) ?? {}
    const found = this.ledger.readAt(issuerId, name, 'anonCredsStatusList', time)
    const list = found && { ...found.content, issuerId, timestamp: found.created }
    return {
      ...(list ? { revocationStatusList: list, resolutionMetadata: {} } : NOTHING),
      revocationStatusListMetadata: {},
    } as never
  }

  private read(id: string): object | undefined {
    const content = this.ledger.read(id)?.content
    return content && { ...content, issuerId: id.split('/')[0] }
  }
}

/** Tails files lie where the ledger's resolver is. */
const tailsAt = (ledger: TestCheqd, folder: string): TailsFileService => ({
  getTailsBasePath: async () => folder,
  async uploadTailsFile(_, { revocationRegistryDefinition: { value } }) {
    ledger.files.set(`/tails/${value.tailsHash}`, readFileSync(value.tailsLocation))
    return { tailsFileUrl: `${ledger.url}/tails/${value.tailsHash}` }
  },
  getTailsFile: async (_, { revocationRegistryDefinition: { value } }) => ({
    tailsFilePath: `${folder}/${value.tailsHash}`,
  }),
})

/** An agent of stock Credo with a did:cheqd by which it is reached, and definitions on its ledger. */
export interface StockIssuer {
  agent: StockWallet
  did: string
  schemaId: string
  definitionId: string
  registryId: string
  /** Revokes the credential of an index. */
  revoke(index: number): Promise<void>
}

/** @param folder where it keeps its wallet */
export async function startStockIssuer(ledger: TestCheqd, folder: string, port: number): Promise<StockIssuer> {
  const own: DidResolver = {
    supportedMethods: ['cheqd'],
    allowsCaching: false,
    allowsLocalDidRecord: true,
    resolve: async () => ({ didDocument: null, didDocumentMetadata: {}, didResolutionMetadata: { error: 'notFound' } }),
  }
  const agent = await startStockWallet(`${folder}/issuer.db`, port, {
    registry: new LedgerWriter(ledger),
    resolver: own,
    tailsFileService: tailsAt(ledger, folder),
  })
  const { DidDocument, JsonTransformer } = await import('@credo-ts/core')
  try {
    const did = ledger.newDid()
    const { keyId, publicJwk } = await agent.kms.createKey({ type: { kty: 'OKP', crv: 'Ed25519' } })
    const [key, endpoint] = [Buffer.from(publicJwk.x, 'base64url'), `http://127.0.0.1:${port}/didcomm`]
    // The ledger has lists of endpoints, which stock Credo itself does not take.
    ledger.writeDid(did, documentOf(did, key, [endpoint]))
    await agent.dids.import({
      did,
      didDocument: JsonTransformer.fromJSON({ id: did, ...documentOf(did, key, endpoint) }, DidDocument),
      keys: [{ kmsKeyId: keyId, didDocumentRelativeKeyId: '#key-1' }],
    })
    return { agent, did, ...(await publish(agent, did)) }
  } catch (error) {
    await agent.shutdown()
    throw error
  }
}

/** As cheqd's tools write it, with a key in multibase. */
function documentOf(did: string, key: Buffer, serviceEndpoint: string | string[]) {
  const id = `${did}#key-1`
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/ed25519-2020/v1'],
    verificationMethod: [
      { id, type: 'Ed25519VerificationKey2020', controller: did, publicKeyMultibase: multikeyOf(key) },
    ],
    authentication: [id],
    assertionMethod: [id],
    service: [
      {
        id: `${did}#did-communication`,
        type: 'did-communication',
        serviceEndpoint,
        recipientKeys: [id],
        routingKeys: [],
        accept: ['didcomm/aip2;env=rfc19'],
      },
    ],
  }
}

/** A schema, a definition and a registry, as the agent's own API makes them. */
async function publish(
  { modules: { anoncreds } }: StockWallet,
  did: string,
): Promise<Omit<StockIssuer, 'agent' | 'did'>> {
  const schema = await anoncreds.registerSchema({
    schema: { issuerId: did, name: 'degree', version: '1.0', attrNames: ['name', 'degree', 'year'] },
    options: {},
  })
  const { schemaId } = schema.schemaState
  assert.ok(schemaId)
  const definition = await anoncreds.registerCredentialDefinition({
    credentialDefinition: { issuerId: did, schemaId, tag: 'default' },
    options: { supportRevocation: true },
  })
  const { credentialDefinitionId: definitionId } = definition.credentialDefinitionState
  assert.ok(definitionId, JSON.stringify(definition))
  const registry = await anoncreds.registerRevocationRegistryDefinition({
    revocationRegistryDefinition: {
      issuerId: did,
      tag: 'first',
      credentialDefinitionId: definitionId,
      maximumCredentialNumber: 10,
    },
    options: {},
  })
  const { revocationRegistryDefinitionId: registryId } = registry.revocationRegistryDefinitionState
  assert.ok(registryId, JSON.stringify(registry))
  const list = await anoncreds.registerRevocationStatusList({
    revocationStatusList: { issuerId: did, revocationRegistryDefinitionId: registryId },
    options: {},
  })
  assert.equal(list.revocationStatusListState.state, 'finished', JSON.stringify(list))
  return {
    schemaId,
    definitionId,
    registryId,
    async revoke(index) {
      const revoked = await anoncreds.updateRevocationStatusList({
        revocationStatusList: { revocationRegistryDefinitionId: registryId, revokedCredentialIndexes: [index] },
        options: {},
      })
      assert.equal(revoked.revocationStatusListState.state, 'finished', JSON.stringify(revoked))
    },
  }
}
