import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { tempDir } from '../support/services.js'
import { startStockAgent } from '../support/stock-agent.js'
import { eventually } from '../support/talk.js'
import { freePort } from '../support/tcp-proxy.js'
import { attributesOf, makeIssuer, OPERATIONS, proofRequest } from './story.js'

/** Stock Credo finds no attested resource of a DID whose host names a port, and goes by plain http only to localhost. */
const PORT = 80
const skip = (await mayListen(PORT)) ? false : `PORT ${PORT} IS NOT FREE, and stock Credo resolves no other`
if (skip) console.warn(`Not tried with a holder of stock Credo: ${skip}`)

const INVITE = 'mutation { createInvitation(input: {}) { invitation { id url } } }'

test('a holder of stock Credo gets a credential by did:webvh, and proves it', { skip }, async () => {
  const store = await freshStore('sqlite')
  const folder = tempDir()
  const gateway = await startGateway(store, { PORT: `${PORT}`, PUBLIC_URL: 'http://localhost' })
  const url = `http://127.0.0.1:${PORT}`
  const agent = await startHolder(join(folder.path, 'holder.db'))
  try {
    const issuer = await makeIssuer(url)
    const verifier = await makeTenant(url)
    const connections = []
    for (const tenant of [issuer, verifier]) {
      const { createInvitation } = await tenant.client.ask(INVITE)
      const { id, url } = createInvitation.invitation
      await agent.modules.didcomm.oob.receiveInvitationFromUrl(url, { label: 'stock' })
      connections.push(
        await eventually(async () => {
          const query =
            'query($id: ID!) { connections(filter: {invitationId: $id, state: COMPLETED}) { nodes { id } } }'
          return (await tenant.client.ask(query, { id })).connections.nodes[0]?.id as string | undefined
        }),
      )
    }
    const { offerCredential } = await issuer.client.ask(OPERATIONS.offer, {
      input: {
        connectionId: connections[0],
        credentialDefinitionId: issuer.definitionId,
        attributes: attributesOf('Ada'),
      },
    })
    const { id } = offerCredential.credentialExchange
    const exchange = async () => (await issuer.client.ask(OPERATIONS.exchange, { id })).credentialExchange
    await eventually(async () => ['DONE', 'ABANDONED'].includes((await exchange()).state), 60_000)
    assert.deepEqual([(await exchange()).state, (await exchange()).errorMessage], ['DONE', null])
    const { requestProof } = await verifier.client.ask(OPERATIONS.requestProof, {
      input: { connectionId: connections[1], name: 'Who are you?', request: proofRequest(issuer) },
    })
    const proof = async () =>
      (await verifier.client.ask(OPERATIONS.proof, { id: requestProof.proofExchange.id })).proofExchange
    await eventually(async () => ['DONE', 'ABANDONED'].includes((await proof()).state), 60_000)
    assert.deepEqual([(await proof()).state, (await proof()).verified], ['DONE', true])
  } finally {
    await agent.shutdown()
    await gateway.stop()
    await store.remove()
    folder.remove()
  }
})

/** A holder as Credo's documentation sets one up, which accepts what it is offered and proves what it is asked. */
async function startHolder(path: string) {
  const { loadAskar } = await import('../../src/askar/index.js')
  await loadAskar({ binding: 'koffi' })
  // Before what takes the library that is registered as it is imported.
  const { anoncredsNodeJS: anoncreds } = await import('@hyperledger/anoncreds-nodejs')
  const { AnonCredsModule, AnonCredsDidCommCredentialFormatService, AnonCredsDidCommProofFormatService } = await import(
    '@credo-ts/anoncreds'
  )
  const { DidsModule, KeyDidResolver, PeerDidRegistrar, PeerDidResolver } = await import('@credo-ts/core')
  const didcomm = await import('@credo-ts/didcomm')
  const { WebVhAnonCredsRegistry, WebVhDidResolver } = await import('@credo-ts/webvh')
  const { DidCommCredentialV2Protocol: Credentials, DidCommProofV2Protocol: Proofs } = didcomm
  const credentialFormats = [new AnonCredsDidCommCredentialFormatService()]
  const proofFormats = [new AnonCredsDidCommProofFormatService()]
  return startStockAgent(
    {
      id: 'holder',
      key: 'holder-key',
      keyDerivationMethod: 'kdf:argon2i:int',
      database: { type: 'sqlite', config: { path } },
    } as never,
    await freePort(),
    undefined,
    false,
    {
      didcomm: {
        credentials: {
          autoAcceptCredentials: didcomm.DidCommAutoAcceptCredential.Always,
          credentialProtocols: [new Credentials({ credentialFormats })],
        } as never,
        proofs: {
          autoAcceptProofs: didcomm.DidCommAutoAcceptProof.Always,
          proofProtocols: [new Proofs({ proofFormats })],
        } as never,
      },
      modules: {
        anoncreds: new AnonCredsModule({ anoncreds, registries: [new WebVhAnonCredsRegistry()] }),
        dids: new DidsModule({
          resolvers: [new WebVhDidResolver(), new PeerDidResolver(), new KeyDidResolver()],
          registrars: [new PeerDidRegistrar()],
        }),
      },
    },
  )
}

async function mayListen(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  const [event] = await Promise.race([
    once(server, 'listening').then(() => ['listening']),
    new Promise<[string]>((resolve) => server.once('error', () => resolve(['error']))),
  ])
  if (event === 'listening') await new Promise((resolve) => server.close(resolve))
  return event === 'listening'
}
