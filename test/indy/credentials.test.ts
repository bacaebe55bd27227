import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type {
  AnonCredsHolderService,
  AnonCredsProof,
  AnonCredsProofRequest,
  AnonCredsRevocationStatusList,
  AnonCredsVerifierService,
} from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import { AnonCredsWorkers, type Result } from '../../src/anoncreds/index.js'
import { IndyLedgers } from '../../src/indy/index.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'
import { createLogger } from '../../src/lib/logger.js'
import { openWallets, type TestWallets } from '../anoncreds/wallets.js'
import { tempDir } from '../support/services.js'
import { TestLedger } from './ledger.js'
import { TestPool } from './pool.js'

const DID = 'Th7MpTaRZVRYnPiabds81Y'
const SEQUENCE = 12
const TAG = 'default'
/** SHA-256 of the text, as a number. */
const ALICE = { raw: 'Alice', encoded: '27034640024117331033063128044004318218486816931520886405535659934417438781507' }
const INDEX = 4

/** Identifiers of the same objects, as did:indy names them and as Indy did before. */
const FORMS = {
  'did:indy': {
    did: `did:indy:test:${DID}`,
    schema: `did:indy:test:${DID}/anoncreds/v0/SCHEMA/degree/1.0`,
    definition: `did:indy:test:${DID}/anoncreds/v0/CLAIM_DEF/${SEQUENCE}/${TAG}`,
    registry: `did:indy:test:${DID}/anoncreds/v0/REV_REG_DEF/${SEQUENCE}/${TAG}/r`,
  },
  'no namespace': {
    did: DID,
    schema: `${DID}:2:degree:1.0`,
    definition: `${DID}:3:CL:${SEQUENCE}:${TAG}`,
    registry: `${DID}:4:${DID}:3:CL:${SEQUENCE}:${TAG}:CL_ACCUM:r`,
  },
}

describe('credentials of Indy ledgers', () => {
  const workers = new AnonCredsWorkers()
  const fetch = createGuardedFetch({ allowLoopback: true })
  const folder = tempDir()
  const ledger = new TestLedger()
  let pools: TestPool[]
  let ledgers: IndyLedgers
  let wallets: TestWallets
  let credo: typeof import('@credo-ts/anoncreds')
  let made: Result<'createCredentialDefinition'>
  let registry: Result<'createRevocationRegistryDefinition'>
  let list: AnonCredsRevocationStatusList
  const ids = FORMS['no namespace']
  const schema = { issuerId: DID, name: 'degree', version: '1.0', attrNames: ['name', 'year'] }

  before(async () => {
    // Two networks: what names none is looked for in both.
    pools = [await TestPool.open(ledger.answer), await TestPool.open(new TestLedger().answer)]
    const networks = ['test', 'other'].map((namespace, index) => {
      const genesis = `${folder.path}/${namespace}.txn`
      writeFileSync(genesis, pools[index]!.genesis)
      return { namespace, genesis, isProduction: true }
    })
    ledgers = new IndyLedgers({ networks, fetch })
    await (await import('../../src/askar/index.js')).loadAskar({ binding: 'koffi' })
    const { IndyReader } = await import('../../src/agent/anoncreds/indy-reader.js')
    const { IndyRegistry } = await import('../../src/agent/anoncreds/indy-registry.js')
    const logger = createLogger({ level: 'silent', format: 'json' })
    wallets = await openWallets(
      workers,
      [...Object.keys(FORMS), 'verifier'],
      new IndyRegistry(new IndyReader(ledgers), logger),
    )
    credo = await import('@credo-ts/anoncreds')
    await publish()
  })
  after(async () => {
    await wallets?.remove()
    await ledgers?.stop()
    for (const pool of pools ?? []) await pool.close()
    await workers.stop()
    await fetch.close()
    folder.remove()
  })

  /** What an issuer outside of the gateway has written. */
  async function publish() {
    const published = { schema, schemaId: ids.schema, issuerId: DID, tag: TAG, supportRevocation: true }
    made = await workers.call('issuer', 'createCredentialDefinition', published)
    registry = await workers.call('issuer', 'createRevocationRegistryDefinition', {
      definition: made.credentialDefinition,
      definitionId: ids.definition,
      issuerId: DID,
      tag: 'r',
      size: 10,
      tailsFolder: await workers.tailsFolder(),
    })
    list = await workers.call('issuer', 'createRevocationStatusList', {
      definition: made.credentialDefinition,
      registryId: ids.registry,
      registry: registry.revocationRegistryDefinition,
      registryPrivate: registry.revocationRegistryDefinitionPrivate,
      issuerId: DID,
      timestamp: 100,
    })
    ledger.nym(DID, { verkey: '~7TYfekw4GUagBnBVCqPjiC' })
    ledger.schema(DID, schema, SEQUENCE)
    ledger.definition(DID, SEQUENCE, made.credentialDefinition)
    ledger.registry(ids.registry, registry.revocationRegistryDefinition, ids.definition)
    ledger.list(list)
  }

  const holder = (context: AgentContext) => context.resolve<AnonCredsHolderService>(credo.AnonCredsHolderServiceSymbol)
  const verifier = (context: AgentContext) =>
    context.resolve<AnonCredsVerifierService>(credo.AnonCredsVerifierServiceSymbol)

  for (const [form, named] of Object.entries(FORMS)) {
    describe(`by ${form}`, () => {
      const requestAt = (time: number): AnonCredsProofRequest => ({
        name: 'a degree',
        version: '1.0',
        nonce: '1234567890',
        requested_attributes: { name: { name: 'name', restrictions: [{ cred_def_id: named.definition }] } },
        requested_predicates: {
          year: { name: 'year', p_type: '>=', p_value: 2000, restrictions: [{ cred_def_id: named.definition }] },
        },
        non_revoked: { from: time, to: time },
      })

      /** All that a ledger is read for, as a proof needs it. */
      async function findShared(context: AgentContext, time: number, by = named) {
        const { credentialDefinition } = await credo.fetchCredentialDefinition(context, by.definition)
        const found = await credo.fetchSchema(context, credentialDefinition.schemaId)
        const { revocationRegistryDefinition: definition } = await credo.fetchRevocationRegistryDefinition(
          context,
          by.registry,
        )
        const { revocationStatusList } = await credo.fetchRevocationStatusList(context, by.registry, time)
        const revocationStatusLists = { [revocationStatusList.timestamp]: revocationStatusList }
        return {
          schemas: { [credentialDefinition.schemaId]: found.schema },
          credentialDefinitions: { [by.definition]: credentialDefinition },
          revocationRegistries: {
            [by.registry]: { definition, tailsFilePath: definition.value.tailsLocation, revocationStatusLists },
          },
        }
      }

      const prove = (time: number) =>
        wallets.in(form, async (context) => {
          const shared = await findShared(context, time)
          const proofRequest = requestAt(time)
          const [match] = await holder(context).getCredentialsForProofRequest(context, {
            proofRequest,
            attributeReferent: 'name',
          })
          assert.ok(match)
          const [timestamp] = Object.keys(shared.revocationRegistries[named.registry]!.revocationStatusLists)
          const { credentialInfo } = match
          const chosen = { credentialId: credentialInfo.credentialId, credentialInfo, timestamp: Number(timestamp) }
          return holder(context).createProof(context, {
            ...shared,
            proofRequest,
            selectedCredentials: {
              attributes: { name: { ...chosen, revealed: true } },
              predicates: { year: chosen },
              selfAttestedAttributes: {},
            },
          })
        })

      const verify = (proof: AnonCredsProof, time: number) =>
        wallets.in('verifier', async (context) =>
          verifier(context).verifyProof(context, {
            ...(await findShared(context, time)),
            proofRequest: requestAt(time),
            proof,
          }),
        )

      test('are resolved, in no time once they are at hand', async () => {
        const read = () => wallets.in('verifier', (context) => findShared(context, 150))
        const { schemas, credentialDefinitions, revocationRegistries } = await read()
        assert.deepEqual(schemas, { [named.schema]: { ...schema, issuerId: named.did } })
        assert.deepEqual(credentialDefinitions[named.definition], {
          ...made.credentialDefinition,
          issuerId: named.did,
          schemaId: named.schema,
        })
        const { definition, revocationStatusLists } = revocationRegistries[named.registry]!
        assert.deepEqual(definition, {
          ...registry.revocationRegistryDefinition,
          issuerId: named.did,
          credDefId: named.definition,
        })
        assert.deepEqual(revocationStatusLists, {
          100: { ...list, issuerId: named.did, revRegDefId: named.registry },
        })
        const asked = pools[0]!.asked.length
        await read()
        assert.equal(pools[0]!.asked.length, asked)
      })

      test('are held, proved and verified, and refused once they are revoked', async () => {
        const offer = await workers.call('issuer', 'createCredentialOffer', {
          schemaId: named.schema,
          definitionId: named.definition,
          keyCorrectnessProof: made.keyCorrectnessProof,
        })
        const { credentialRequest, credentialRequestMetadata } = await wallets.in(form, async (context) => {
          const { credentialDefinition } = await credo.fetchCredentialDefinition(context, offer.cred_def_id)
          return holder(context).createCredentialRequest(context, { credentialOffer: offer, credentialDefinition })
        })
        const revocation = {
          definition: { ...registry.revocationRegistryDefinition, credDefId: named.definition, issuerId: named.did },
          definitionPrivate: registry.revocationRegistryDefinitionPrivate,
          statusList: { ...list, revRegDefId: named.registry, issuerId: named.did },
          index: INDEX,
        }
        const credential = await workers.call('issuer', 'createCredential', {
          definition: { ...made.credentialDefinition, issuerId: named.did, schemaId: named.schema },
          definitionPrivate: made.credentialDefinitionPrivate,
          offer,
          request: credentialRequest,
          raw: { name: ALICE.raw, year: '2020' },
          encoded: { name: ALICE.encoded, year: '2020' },
          revocation,
        })
        await wallets.in(form, async (context) => {
          // As the protocols do: what names no network is kept by that in which it was found.
          const { indyNamespace } = await credo.fetchCredentialDefinition(context, named.definition)
          assert.equal(indyNamespace, 'test')
          const { definition, registry: id } = FORMS['did:indy']
          const shared = await findShared(context, 100, FORMS['did:indy'])
          return holder(context).storeCredential(context, {
            credential,
            credentialRequestMetadata,
            credentialDefinition: shared.credentialDefinitions[definition]!,
            schema: Object.values(shared.schemas)[0]!,
            credentialDefinitionId: definition,
            revocationRegistry: { id, definition: shared.revocationRegistries[id]!.definition },
          })
        })

        const proof = await prove(150)
        assert.equal(proof.requested_proof.revealed_attrs['name']?.raw, 'Alice')
        assert.equal(proof.identifiers[0]?.cred_def_id, named.definition)
        assert.equal(await verify(proof, 150), true)

        const revoked = await workers.call('issuer', 'updateRevocationStatusList', {
          statusList: list,
          timestamp: 200,
          change: {
            definition: made.credentialDefinition,
            registry: registry.revocationRegistryDefinition,
            registryPrivate: registry.revocationRegistryDefinitionPrivate,
            revoked: [INDEX],
          },
        })
        ledger.list(revoked)
        const refused = await prove(250).then(
          (late) => verify(late, 250),
          (error) => (error as Error).name === 'NativeError' && false,
        )
        assert.equal(refused, false)
        assert.equal(await verify(await prove(150), 150), true, 'it was good before')
      })
    })
  }

  test('are not found where a ledger has none', async () => {
    const missing = `did:indy:test:${DID}/anoncreds/v0/SCHEMA/degree/9.9`
    await assert.rejects(
      wallets.in('verifier', (context) => credo.fetchSchema(context, missing)),
      /Schema not found/,
    )
  })
})
