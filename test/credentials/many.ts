import assert from 'node:assert/strict'
import { DidDocument, JsonTransformer } from '@credo-ts/core'
import { verifyResource } from '../../src/agent/attested-resource.js'
import { resolveByStock } from '../dids/did-api.js'
import { type AnyEvent, connect, makeTenant, type TestTenant } from '../support/client.js'
import { eventually } from '../support/talk.js'
import { published } from './outside-holder.js'
import { attributesOf, type Issuer, OPERATIONS, proofRequest } from './story.js'

/** A holder that accepts whatever it is offered, and the issuer's connection to it. */
export interface Link {
  holder: TestTenant
  inviter: string
}

export async function makeLink(issuer: TestTenant, url = issuer.client.url): Promise<Link> {
  const holder = await makeTenant(url)
  await holder.client.ask('mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
    input: { tenantId: holder.id, settings: { autoAcceptCredentials: 'ALWAYS' } },
  })
  return { holder, inviter: (await connect(issuer, holder)).inviter }
}

/** Offers a credential; a repeat of the same name is the same offer. @returns the id of the exchange */
export async function offer({ client, definitionId }: Issuer, { inviter }: Link, name: string): Promise<string> {
  const input = { connectionId: inviter, credentialDefinitionId: definitionId, attributes: attributesOf(name) }
  const { offerCredential } = await client.ask(OPERATIONS.offer, { input: { ...input, idempotencyKey: name } })
  return offerCredential.credentialExchange.id
}

/** Every node of a list of the API, page after page. */
export async function allOf({ client }: TestTenant, list: string, fields: string): Promise<AnyEvent[]> {
  const query = `query($after: String) { ${list}(first: 100, after: $after) {
    nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`
  const nodes: AnyEvent[] = []
  for (let after: string | undefined; ; ) {
    const page = (await client.ask(query, { after }))[list]
    nodes.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return nodes
    after = page.pageInfo.endCursor
  }
}

/** Waits until every credential exchange of a wallet has ended, and gives them. */
export function allEnded(tenant: TestTenant, timeoutMs: number): Promise<AnyEvent[]> {
  return eventually(async () => {
    const exchanges = await allOf(tenant, 'credentialExchanges', 'id state errorMessage attributes { name value }')
    return exchanges.every(({ state }) => ['DONE', 'ABANDONED', 'DECLINED'].includes(state)) && exchanges
  }, timeoutMs)
}

/** That each of these is held once, by somebody. */
export async function assertHeldOnce(holders: TestTenant[], names: string[]): Promise<void> {
  const held = await Promise.all(holders.map((holder) => allOf(holder, 'credentials', 'attributes')))
  assert.deepEqual(
    held
      .flat()
      .map(({ attributes }) => attributes.name)
      .sort(),
    [...names].sort(),
  )
}

/** The places in registries that the credentials of a holder have, as the holder sees them. */
export async function placesOf(
  issuer: Issuer,
  { holder, inviter }: Link,
): Promise<{ registryId: string; index: number }[]> {
  const { requestProof } = await issuer.client.ask(OPERATIONS.requestProof, {
    input: { connectionId: inviter, name: 'All', request: proofRequest(issuer) },
  })
  const { threadId } = requestProof.proofExchange
  const query = 'query($threadId: ID!) { proofExchanges(filter: {threadId: $threadId}) { nodes { id } } }'
  const id = await eventually(
    async () => (await holder.client.ask(query, { threadId })).proofExchanges.nodes[0]?.id as string | undefined,
  )
  const { credentialsForProof } = await holder.client.ask(OPERATIONS.fitting, { id })
  return credentialsForProof.who.map(({ credentialInfo }: AnyEvent) => ({
    registryId: credentialInfo.revocationRegistryId,
    index: Number(credentialInfo.credentialRevocationId),
  }))
}

/** That each place is given once, and none is one that registries do not have. */
export function assertPlaces(places: { registryId: string; index: number }[], size: number): void {
  assert.equal(new Set(places.map(({ registryId, index }) => `${registryId} ${index}`)).size, places.length)
  for (const { index } of places) assert.ok(index >= 1 && index < size, `${index}`)
}

/** That all that is served of a registry is signed by the key that its DID has now. @returns its last list's places */
export async function revokedIn(registryId: string): Promise<number[]> {
  return eventually(async () => {
    const registry = await published(registryId)
    const { doc } = await resolveByStock(registryId.slice(0, registryId.indexOf('/')))
    const document = JsonTransformer.fromJSON(doc, DidDocument)
    const { links } = verifyResource(registry, registryId, document)
    const id = links.at(-1)?.id ?? ''
    const { content } = verifyResource(await published(id), id, document)
    assert.deepEqual(
      links.map(({ timestamp }) => timestamp),
      [...new Set(links.map(({ timestamp = 0 }) => timestamp))].sort((a, b) => a - b),
    )
    const list = content['revocationList'] as number[]
    return list.flatMap((bit, index) => (bit === 1 ? [index] : []))
    // A rotation may come in between.
  }, 5000)
}
