import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type {
  AnonCredsHolderService,
  AnonCredsIssuerService,
  AnonCredsProof,
  AnonCredsProofRequest,
  AnonCredsRevocationStatusList,
  AnonCredsVerifierService,
} from '@credo-ts/anoncreds'
import type { AgentContext, W3cCredentialRecord } from '@credo-ts/core'
import { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { openWallets, type TestWallets } from './wallets.js'

const ISSUER_ID = 'did:web:issuer.example'

describe('AnonCreds services of three wallets', () => {
  const workers = new AnonCredsWorkers()
  let wallets: TestWallets
  let credo: typeof import('@credo-ts/anoncreds')
  let core: typeof import('@credo-ts/core')
  before(async () => {
    wallets = await openWallets(workers, ['issuer', 'holder', 'verifier'])
    // After Askar is loaded, which the import of the agent sees to.
    credo = await import('@credo-ts/anoncreds')
    core = await import('@credo-ts/core')
  })
  after(async () => {
    await wallets?.remove()
    await workers.stop()
  })

  const api = (context: AgentContext) => context.resolve(credo.AnonCredsApi)
  const issuer = (context: AgentContext) => context.resolve<AnonCredsIssuerService>(credo.AnonCredsIssuerServiceSymbol)
  const holder = (context: AgentContext) => context.resolve<AnonCredsHolderService>(credo.AnonCredsHolderServiceSymbol)
  const verifier = (context: AgentContext) =>
    context.resolve<AnonCredsVerifierService>(credo.AnonCredsVerifierServiceSymbol)

  let definitionId = ''
  let registryId = ''
  let credentialId = ''
  const INDEX = 4

  const statusListAt = (timestamp: number) =>
    wallets.in('verifier', async (context) => {
      const { revocationStatusList } = await credo.fetchRevocationStatusList(context, registryId, timestamp)
      return revocationStatusList
    })
  const latest = () => statusListAt(Number.MAX_SAFE_INTEGER)

  const requestOf = ({ timestamp }: AnonCredsRevocationStatusList): AnonCredsProofRequest => ({
    name: 'a degree',
    version: '1.0',
    nonce: '1234567890',
    requested_attributes: { name: { name: 'name', restrictions: [{ cred_def_id: definitionId }] } },
    requested_predicates: {
      year: { name: 'year', p_type: '>=', p_value: 2000, restrictions: [{ cred_def_id: definitionId }] },
    },
    non_revoked: { from: timestamp, to: timestamp },
  })

  /** What both sides of a proof look up. */
  async function findShared(context: AgentContext, statusList: AnonCredsRevocationStatusList) {
    const { credentialDefinition } = await credo.fetchCredentialDefinition(context, definitionId)
    const { schema } = await credo.fetchSchema(context, credentialDefinition.schemaId)
    const { revocationRegistryDefinition: definition } = await credo.fetchRevocationRegistryDefinition(
      context,
      registryId,
    )
    const registry = { definition, tailsFilePath: definition.value.tailsLocation }
    return {
      schemas: { [credentialDefinition.schemaId]: schema },
      credentialDefinitions: { [definitionId]: credentialDefinition },
      revocationRegistries: {
        [registryId]: { ...registry, revocationStatusLists: { [statusList.timestamp]: statusList } },
      },
    }
  }

  const prove = (statusList: AnonCredsRevocationStatusList) =>
    wallets.in('holder', async (context) => {
      const proofRequest = requestOf(statusList)
      const [match] = await holder(context).getCredentialsForProofRequest(context, {
        proofRequest,
        attributeReferent: 'name',
      })
      assert.ok(match)
      const { timestamp } = statusList
      const chosen = {
        credentialId: match.credentialInfo.credentialId,
        credentialInfo: match.credentialInfo,
        timestamp,
      }
      return holder(context).createProof(context, {
        ...(await findShared(context, statusList)),
        proofRequest,
        selectedCredentials: {
          attributes: { name: { ...chosen, revealed: true } },
          predicates: { year: chosen },
          selfAttestedAttributes: {},
        },
      })
    })

  const verify = (proof: AnonCredsProof, statusList: AnonCredsRevocationStatusList) =>
    wallets.in('verifier', async (context) =>
      verifier(context).verifyProof(context, {
        ...(await findShared(context, statusList)),
        proofRequest: requestOf(statusList),
        proof,
      }),
    )

  test('make a definition and a registry, through Credo', async () => {
    await wallets.in('issuer', async (context) => {
      const schema = await issuer(context).createSchema(context, {
        issuerId: ISSUER_ID,
        name: 'degree',
        version: '1.0',
        attrNames: ['name', 'year'],
      })
      const { schemaState } = await api(context).registerSchema({ schema, options: {} })
      const { credentialDefinitionState: made } = await api(context).registerCredentialDefinition({
        credentialDefinition: { issuerId: ISSUER_ID, schemaId: schemaState.schemaId!, tag: 'a' },
        options: { supportRevocation: true },
      })
      assert.equal(made.state, 'finished', made.state === 'failed' ? made.reason : '')
      definitionId = made.credentialDefinitionId!
      const { revocationRegistryDefinitionState: registry } = await api(context).registerRevocationRegistryDefinition({
        revocationRegistryDefinition: {
          issuerId: ISSUER_ID,
          tag: 'r',
          credentialDefinitionId: definitionId,
          maximumCredentialNumber: 10,
        },
        options: {},
      })
      assert.equal(registry.state, 'finished', registry.state === 'failed' ? registry.reason : '')
      registryId = registry.revocationRegistryDefinitionId!
      const { revocationStatusListState: list } = await api(context).registerRevocationStatusList({
        revocationStatusList: { issuerId: ISSUER_ID, revocationRegistryDefinitionId: registryId },
        options: {},
      })
      assert.equal(list.state, 'finished')
    })
    const { timestamp } = await latest()
    assert.ok(Math.abs(timestamp - Date.now() / 1000) < 60, 'the first list has its time')
  })

  test('issue a credential, which the holder finds by what it is', async () => {
    const credentialOffer = await wallets.in('issuer', (context) =>
      issuer(context).createCredentialOffer(context, { credentialDefinitionId: definitionId }),
    )
    const { credentialRequest, credentialRequestMetadata } = await wallets.in('holder', async (context) => {
      const { credentialDefinition } = await credo.fetchCredentialDefinition(context, definitionId)
      return holder(context).createCredentialRequest(context, { credentialOffer, credentialDefinition })
    })
    const secrets = await wallets.in('holder', (context) => api(context).getLinkSecretIds())
    assert.deepEqual(secrets, [credentialRequestMetadata.link_secret_name])

    const revocationStatusList = await latest()
    const { credential, credentialRevocationId } = await wallets.in('issuer', (context) =>
      issuer(context).createCredential(context, {
        credentialOffer,
        credentialRequest,
        credentialValues: { name: encoded('Alice'), year: { raw: '2020', encoded: '2020' } },
        revocationRegistryDefinitionId: registryId,
        revocationStatusList,
        revocationRegistryIndex: INDEX,
      }),
    )
    assert.equal(credentialRevocationId, String(INDEX))

    credentialId = await wallets.in('holder', async (context) => {
      const shared = await findShared(context, revocationStatusList)
      return holder(context).storeCredential(context, {
        credential,
        credentialRequestMetadata,
        credentialDefinition: shared.credentialDefinitions[definitionId]!,
        schema: Object.values(shared.schemas)[0]!,
        credentialDefinitionId: definitionId,
        revocationRegistry: { id: registryId, definition: shared.revocationRegistries[registryId]!.definition },
      })
    })
    const info = await wallets.in('holder', (context) => holder(context).getCredential(context, { id: credentialId }))
    const { createdAt: _, updatedAt: __, ...said } = info
    assert.deepEqual(said, {
      attributes: { name: 'Alice', year: 2020 },
      credentialId,
      credentialDefinitionId: definitionId,
      schemaId: `${ISSUER_ID}/schema/degree`,
      revocationRegistryId: registryId,
      credentialRevocationId: String(INDEX),
      methodName: 'shared',
      linkSecretId: credentialRequestMetadata.link_secret_name,
    })
    const found = (issuerId: string) =>
      wallets.in('holder', (context) => holder(context).getCredentials(context, { schemaName: 'degree', issuerId }))
    assert.equal((await found(ISSUER_ID)).length, 1)
    assert.equal((await found('did:web:other.example')).length, 0)
  })

  test('prove and verify it', async () => {
    const statusList = await latest()
    const proof = await prove(statusList)
    assert.equal(proof.requested_proof.revealed_attrs['name']?.raw, 'Alice')
    assert.equal(await verify(proof, statusList), true)
    const other = structuredClone(proof)
    other.requested_proof.revealed_attrs['name']!.encoded = '42'
    const { NativeError } = await import('../../src/anoncreds/index.js')
    const verdict = await verify(other, statusList).catch((error) => error)
    assert.ok(verdict === false || verdict instanceof NativeError, String(verdict))
  })

  test('prove and verify it in the W3C form', async () => {
    const statusList = await latest()
    const proofRequest = requestOf(statusList)
    const credential = await wallets.in('holder', async (context) => {
      const record: W3cCredentialRecord = await context
        .resolve(core.W3cCredentialRepository)
        .getById(context, credentialId)
      assert.deepEqual(record.getTag('expandedTypes'), ['https://www.w3.org/2018/credentials#VerifiableCredential'])
      return record.firstCredential as InstanceType<typeof core.W3cJsonLdVerifiableCredential>
    })
    const presentation = await wallets.in('holder', async (context) => {
      const { schemas, credentialDefinitions } = await findShared(context, statusList)
      const [linkSecretId = ''] = await api(context).getLinkSecretIds()
      return holder(context).createW3cPresentation(context, {
        proofRequest,
        linkSecretId,
        schemas,
        credentialDefinitions,
        credentialsProve: [
          { entryIndex: 0, referent: 'name', isPredicate: false, reveal: true },
          { entryIndex: 0, referent: 'year', isPredicate: true, reveal: true },
        ],
        credentialsWithRevocationMetadata: [{ credential, nonRevoked: proofRequest.non_revoked! }],
      })
    })
    const verifyBy = (nonce: string) =>
      wallets.in('verifier', async (context) => {
        const { schemas, credentialDefinitions } = await findShared(context, statusList)
        const [shown] = [presentation.verifiableCredential].flat()
        return verifier(context).verifyW3cPresentation(context, {
          proofRequest: { ...proofRequest, nonce },
          presentation,
          schemas,
          credentialDefinitions,
          credentialsWithRevocationMetadata: [{ credential: shown as never, nonRevoked: proofRequest.non_revoked! }],
        })
      })
    assert.equal(await verifyBy(proofRequest.nonce), true)
    assert.equal(await verifyBy('42'), false)
  })

  test('refuse it once it is revoked', async () => {
    const before = await latest()
    await wallets.in('issuer', async (context) => {
      const { definition, tailsFilePath } = (await findShared(context, before)).revocationRegistries[registryId]!
      const list = await issuer(context).updateRevocationStatusList(context, {
        revocationStatusList: before,
        revocationRegistryDefinition: definition,
        revoked: [INDEX],
        timestamp: before.timestamp + 1,
        tailsFilePath,
      })
      const registry = context.resolve(credo.AnonCredsRegistryService).getRegistryForIdentifier(context, registryId)
      await registry.registerRevocationStatusList(context, { revocationStatusList: list, options: {} })
    })
    const list = await latest()
    assert.equal(list.timestamp, before.timestamp + 1)
    assert.equal(list.revocationList[INDEX], 1)
    const refused = await prove(list).then(
      (proof) => verify(proof, list),
      (error) => (error as Error).name === 'NativeError' && false,
    )
    assert.equal(refused, false)
    assert.equal(await verify(await prove(before), before), true, 'it was good before')
  })
})

function encoded(raw: string) {
  // SHA-256 of the text, as a number.
  const digest = createHash('sha256').update(raw).digest('hex')
  return { raw, encoded: BigInt(`0x${digest}`).toString() }
}
