import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway } from '../support/gateway.js'
import { freePort, mayListen, turnWith } from '../support/ports.js'
import { tempDir } from '../support/services.js'
import { STOCK_PORT, type StockWallet, startStockWallet } from '../support/stock-wallet.js'
import { eventually } from '../support/talk.js'
import { connectStock, importStock } from './stock-holder.js'
import {
  attributesOf,
  type Issuer,
  issue,
  makeIssuer,
  OPERATIONS,
  presentationDefinition,
  proofRequest,
  prove,
} from './story.js'

await turnWith(STOCK_PORT)
const skip = (await mayListen(STOCK_PORT, '127.0.0.1'))
  ? false
  : `PORT ${STOCK_PORT} IS NOT FREE, and stock Credo resolves no other`
if (skip) console.warn(`Not tried with wallets of stock Credo: ${skip}`)

test('a holder of stock Credo gets a credential by did:webvh and proves it, and so does the tenant that it becomes', {
  skip,
}, async () => {
  const [store, other, folder] = [await freshStore('sqlite'), await freshStore('sqlite'), tempDir()]
  const path = join(folder.path, 'holder.db')
  const port = await freePort()
  const gateway = await startGateway(store, { PORT: `${STOCK_PORT}`, PUBLIC_URL: 'http://localhost' })
  const url = `http://127.0.0.1:${STOCK_PORT}`
  const agent = await startStockWallet(path, port)
  let successor: TestGateway | undefined
  try {
    const issuer = await makeIssuer(url)
    const verifier = await makeTenant(url)
    const atIssuer = await connectStock(issuer, agent)
    const atVerifier = await connectStock(verifier, agent)
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: atIssuer,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf('Ada'),
      },
    })
    const { id } = offerCredential.credentialExchange
    const exchange = async () => (await issuer.client.ask(OPERATIONS.exchange, { id })).credentialExchange
    await eventually(async () => ['DONE', 'ABANDONED'].includes((await exchange()).state), 60_000)
    assert.deepEqual([(await exchange()).state, (await exchange()).errorMessage], ['DONE', null])
    const asked = { connectionId: atVerifier, name: 'Who are you?', request: proofRequest(issuer) }
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, { input: asked })
    const proof = async () =>
      (await verifier.client.ask(OPERATIONS.proof, { id: requestProof.proofExchange.id })).proofExchange
    await eventually(async () => ['DONE', 'ABANDONED'].includes((await proof()).state), 60_000)
    assert.deepEqual([(await proof()).state, (await proof()).verified], ['DONE', true])
    await agent.shutdown()

    successor = await startGateway(other, { PORT: `${port}` })
    const holder = await importStock(successor, path)
    const { credentials } = await holder.client.ask(OPERATIONS.credentials)
    const [{ id: credentialId, ...held }] = credentials.nodes
    assert.deepEqual(
      [credentials.nodes.length, held],
      [
        1,
        {
          format: 'ANONCREDS',
          issuerDid: issuer.did,
          attributes: { name: 'Ada', degree: 'Physics', year: '2024' },
          schemaId: issuer.schemaId,
          credentialDefinitionId: issuer.definitionId,
          revoked: null,
        },
      ],
    )
    const { credentials: found } = await holder.client.ask(
      'query($id: ID!) { credentials(filter: {credentialDefinitionId: $id}) { nodes { id } } }',
      { id: issuer.definitionId },
    )
    assert.deepEqual(found.nodes, [{ id: credentialId }])
    // Over the connection that the agent had, with what it held and with the link secret that it was issued to.
    const proved = await prove(verifier, holder, { inviter: atVerifier, invitee: '' }, proofRequest(issuer))
    assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])
    // And what comes later goes with it into one proof.
    const { held: second } = await issue(issuer, holder, { inviter: atIssuer, invitee: '' }, 'Grace')
    assert.equal(second.state, 'DONE')
    const [who, also] = [await credentialOf(holder, 'Ada'), await credentialOf(holder, 'Grace')]
    const both = await prove(
      verifier,
      holder,
      { inviter: atVerifier, invitee: '' },
      {
        requested_attributes: {
          who: { name: 'name', restrictions: [{ 'attr::name::value': 'Ada', cred_def_id: issuer.definitionId }] },
          also: { name: 'name', restrictions: [{ 'attr::name::value': 'Grace', cred_def_id: issuer.definitionId }] },
        },
        requested_predicates: {},
      },
    )
    assert.notEqual(who, also)
    assert.deepEqual([both.state, both.verified, both.revealed], ['DONE', true, { who: 'Ada', also: 'Grace' }])
  } finally {
    await agent.shutdown().catch(() => {})
    await successor?.stop()
    await gateway.stop()
    await Promise.all([store.remove(), other.remove()])
    folder.remove()
  }
})

test('an issuer of stock Credo becomes a tenant that issues by the definition that it had', { skip }, async () => {
  const [store, folder] = [await freshStore('sqlite'), tempDir()]
  const path = join(folder.path, 'issuer.db')
  const site = await serveFiles(STOCK_PORT)
  const agent = await startStockWallet(path, await freePort())
  let gateway: TestGateway | undefined
  try {
    const made = await makeStockIssuer(agent, site.files)
    await agent.shutdown()
    gateway = await startGateway(store)
    const tenant = await importStock(gateway, path)
    const issuer: Issuer = { ...tenant, ...made }
    const { credentialDefinitions, schemas } = await issuer.client.ask(
      '{ credentialDefinitions { nodes { id schemaId issuerDid revocable } } schemas { nodes { id attributes } } }',
    )
    assert.deepEqual(credentialDefinitions.nodes, [
      { id: made.definitionId, schemaId: made.schemaId, issuerDid: made.did, revocable: false },
      { id: made.revocableId, schemaId: made.schemaId, issuerDid: made.did, revocable: true },
    ])
    assert.deepEqual(schemas.nodes, [{ id: made.schemaId, attributes: ['name', 'degree', 'year'] }])
    const holder = await makeTenant(gateway.url)
    const link = await connect(issuer, holder)
    const { issued, held } = await issue(issuer, holder, link, 'Ada')
    assert.deepEqual([issued.state, held.state, held.credentialDefinitionId], ['DONE', 'DONE', made.definitionId])
    const verifier = await makeTenant(gateway.url)
    const proved = await prove(verifier, holder, await connect(verifier, holder), proofRequest(issuer))
    assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])

    // Whatever has to be published under a DID that somebody else serves comes to a plain end.
    const { errors } = await issuer.client.send(OPERATIONS.schema, {
      input: { issuerDid: made.did, name: 'another', version: '1.0', attributes: ['name'] },
    })
    assert.deepEqual([errors?.[0]?.extensions.code, errors?.[0]?.message], ['CONFLICT', NOT_HOSTED])
    const ended = await holder.client.follow()
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: link.inviter,
        credentialDefinitionId: made.revocableId,
        attributes: attributesOf('Ada'),
      },
    })
    const { threadId } = offerCredential.credentialExchange
    const inThread = (state: string) => (event: AnyEvent) =>
      event.credentialExchange?.threadId === threadId && event.credentialExchange.state === state
    const { credentialExchange: offered } = await ended.find(inThread('OFFER_RECEIVED'))
    await holder.client.ask(OPERATIONS.acceptOffer, { id: offered.id })
    await ended.find(inThread('ABANDONED'))
    await ended.close()
  } finally {
    await agent.shutdown().catch(() => {})
    await gateway?.stop()
    await Promise.all([store.remove(), site.close()])
    folder.remove()
  }
})

test('stock Credo holds what is issued by data integrity, proves it by presentation exchange, and has it proved', {
  skip,
}, async () => {
  const [store, folder] = [await freshStore('sqlite'), tempDir()]
  const gateway = await startGateway(store, { PORT: `${STOCK_PORT}`, PUBLIC_URL: 'http://localhost' })
  const url = `http://127.0.0.1:${STOCK_PORT}`
  const agent = await startStockWallet(join(folder.path, 'holder.db'), await freePort())
  try {
    const issuer = await makeIssuer(url, { revocable: true })
    const [holder, verifier] = await Promise.all([makeTenant(url), makeTenant(url)])
    const { proofs, connections } = agent.modules.didcomm
    const [atIssuer, atVerifier] = [await connectStock(issuer, agent), await connectStock(verifier, agent)]
    const others = (await connections.getAll()).map((one) => one.id)
    await connectStock(holder, agent)
    const connectionId = (await connections.getAll()).find((one) => !others.includes(one.id))?.id
    const ended = async (ask: () => Promise<AnyEvent>) => {
      await eventually(async () => ['DONE', 'ABANDONED'].includes((await ask()).state), 60_000)
      return ask()
    }
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: atIssuer,
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf('Ada'),
        format: 'DATA_INTEGRITY',
      },
    })
    const { id } = offerCredential.credentialExchange
    const issued = await ended(async () => (await issuer.client.ask(OPERATIONS.exchange, { id })).credentialExchange)
    assert.deepEqual([issued.state, issued.errorMessage], ['DONE', null])
    const request = presentationDefinition(issuer, true)
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId: atVerifier, name: 'Who are you?', request, format: 'PRESENTATION_EXCHANGE' },
    })
    const proof = await ended(
      async () => (await verifier.client.ask(OPERATIONS.proof, { id: requestProof.proofExchange.id })).proofExchange,
    )
    assert.deepEqual([proof.state, proof.verified, proof.revealed], ['DONE', true, { degree: { name: 'Ada' } }])

    // And the other way round.
    await issue(issuer, holder, await connect(issuer, holder), 'Grace', 'DATA_INTEGRITY')
    const tap = await holder.client.follow()
    const asked = await proofs.requestProof({
      protocolVersion: 'v2',
      connectionId,
      proofFormats: { presentationExchange: { presentationDefinition: { id: 'it', ...request } } },
    } as never)
    const { proofExchange } = await tap.find((event) => event.proofExchange?.state === 'REQUEST_RECEIVED')
    await tap.close()
    await holder.client.ask(OPERATIONS.acceptProof, { input: { exchangeId: proofExchange.id } })
    const known = async () => (await proofs.getById(asked.id)) as { state: string; isVerified?: boolean }
    await eventually(async () => ['done', 'abandoned'].includes((await known()).state), 60_000)
    assert.deepEqual([(await known()).state, (await known()).isVerified], ['done', true])
  } finally {
    await agent.shutdown().catch(() => {})
    await gateway.stop()
    await store.remove()
    folder.remove()
  }
})

const NOT_HOSTED = 'This DID is not hosted by the gateway.'
async function credentialOf(holder: TestTenant, name: string): Promise<string | undefined> {
  const { credentials } = await holder.client.ask(OPERATIONS.credentials)
  return credentials.nodes.find((one: { attributes: { name: string } }) => one.attributes.name === name)?.id
}

/** A DID, a schema and a definition as a stock agent makes them, whose files somebody else serves. */
async function makeStockIssuer(agent: StockWallet, files: Map<string, string>) {
  const { anoncreds } = agent.modules
  const { didState } = await agent.dids.create({ method: 'webvh', domain: 'localhost' } as never)
  const did = didState.did as string
  const [record] = await agent.dids.getCreatedDids({ did })
  const log = record?.metadata.get('log') as unknown as object[]
  files.set('/.well-known/did.jsonl', log.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  const publish = ({ attestedResource }: { attestedResource?: { id: string } }) => {
    const { id = '' } = attestedResource ?? {}
    files.set(id.slice(id.indexOf('/')), JSON.stringify(attestedResource))
    return id
  }
  const schema = await anoncreds.registerSchema({
    schema: { issuerId: did, name: 'degree', version: '1.0', attrNames: ['name', 'degree', 'year'] },
    options: {},
  })
  const schemaId = publish(schema.registrationMetadata as never)
  const define = async (tag: string, supportRevocation: boolean) => {
    const definition = await anoncreds.registerCredentialDefinition({
      credentialDefinition: { issuerId: did, schemaId, tag },
      options: { supportRevocation },
    })
    assert.equal(definition.credentialDefinitionState.state, 'finished', JSON.stringify(definition))
    return publish(definition.registrationMetadata as never)
  }
  return { did, schemaId, definitionId: await define('default', false), revocableId: await define('revocable', true) }
}

/** Serves what is put into `files`, by path. */
async function serveFiles(port: number) {
  const files = new Map<string, string>()
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '')
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(file)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    files,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
