import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issue, makeIssuer, OPERATIONS, proofRequest, prove } from '../credentials/story.js'
import { createDid, resolveByStock, updateDid, urlOf } from '../dids/did-api.js'
import { ApiClient, connect, makeTenant, uniqueName } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { eventually, say } from '../support/talk.js'
import { exportTenant, importTenant } from './archives.js'
import { suspend } from './states.js'

const INVITE = 'mutation { createInvitation(input: {}) { invitation { url shortUrl message } } }'
const ENDPOINT = '{ viewer { tenant { endpoint } } }'

test('an issuer moves house with all that is served for it: its credentials are proved, issued and revoked as before', async () => {
  const [oldStore, newStore, peerStore] = await Promise.all([
    freshStore('sqlite'),
    freshStore('postgres'),
    freshStore('sqlite'),
  ])
  const port = `${await freePort()}`
  const peers = await startGateway(peerStore)
  let gateway = await startGateway(oldStore, { PORT: port })
  try {
    const slug = uniqueName('slug')
    const issuer = await makeIssuer(
      gateway.url,
      { revocable: true, revocationRegistrySize: 10 },
      await makeTenant(gateway.url, { endpoint: slug }),
    )
    const web = await createDid(issuer.client, 'web', { path: uniqueName('web') })
    const { did: witness } = await createDid(issuer.client, 'key')
    const seen = await createDid(issuer.client, 'webvh', { witness: { witnesses: [witness] } })
    const [holder, verifier] = await Promise.all([makeTenant(peers.url), makeTenant(peers.url)])
    const toHolder = await connect(issuer, holder)
    const toProver = await connect(verifier, holder)
    const { issued } = await issue(issuer, holder, toHolder, 'Ada')
    const { invitation } = (await issuer.client.ask(INVITE)).createInvitation
    const served = [
      urlOf(issuer.did, 'did.jsonl'),
      urlOf(issuer.did, `resources/${issuer.schemaId.split('/').pop()}`),
      urlOf(issuer.did, `resources/${issuer.definitionId.split('/').pop()}`),
      urlOf(web.did, 'did.json'),
      urlOf(seen.did, 'did-witness.json'),
    ]
    const texts = () => Promise.all([...served, invitation.shortUrl].map(textAt))
    const before = await texts()

    await suspend(gateway.url, issuer)
    const archive = await exportTenant(ApiClient.operator(gateway.url), { tenantId: issuer.id })
    await gateway.stop()
    gateway = await startGateway(newStore, { PORT: port })
    const { data, errors } = await importTenant(ApiClient.operator(gateway.url), archive)
    assert.equal(errors, undefined)
    assert.deepEqual(data?.notServed, [])
    const moved = { ...issuer, client: new ApiClient(gateway.url, { token: data?.token }) }

    assert.deepEqual(await texts(), before)
    assert.equal((await moved.client.ask(ENDPOINT)).viewer.tenant.endpoint, `${gateway.url}/didcomm/t/${slug}`)
    await say(holder.client, toHolder.invitee, 'to your own endpoint')
    await eventually(async () => {
      const { basicMessages } = await moved.client.ask('{ basicMessages(last: 1) { nodes { content } } }')
      return basicMessages.nodes[0]?.content === 'to your own endpoint'
    })
    const proved = await prove(verifier, holder, toProver, proofRequest(issuer, true))
    assert.deepEqual([proved.state, proved.verified, proved.revealed], ['DONE', true, { who: 'Ada' }])
    // What is changed from now on goes on from what came.
    const later = await issue(moved, holder, toHolder, 'Grace')
    assert.equal(later.held.state, 'DONE')
    await moved.client.ask(OPERATIONS.revoke, { id: issued.id })
    for (const { did } of [issuer, seen]) {
      await updateDid(moved.client, { did, rotateKeys: true })
      const { doc } = await resolveByStock(did)
      assert.equal(doc.id, did)
    }
  } finally {
    await Promise.all([gateway.stop(), peers.stop()])
    await Promise.all([oldStore.remove(), newStore.remove(), peerStore.remove()])
  }
})

test('a tenant that comes to another address is told what cannot be served there, and has the rest', async () => {
  const [oldStore, newStore] = await Promise.all([freshStore('sqlite'), freshStore('sqlite')])
  const [old, gateway] = await Promise.all([startGateway(oldStore), startGateway(newStore)])
  try {
    const tenant = await makeTenant(old.url, { endpoint: uniqueName('slug') })
    const { did } = await createDid(tenant.client, 'webvh', { path: uniqueName('bound') })
    const { invitation } = (await tenant.client.ask(INVITE)).createInvitation
    const archive = await exportTenant(ApiClient.operator(old.url), { tenantId: tenant.id })
    const { endpoint } = (await tenant.client.ask(ENDPOINT)).viewer.tenant
    const { data } = await importTenant(ApiClient.operator(gateway.url), archive)
    assert.deepEqual(data?.notServed, [did, endpoint])
    const moved = new ApiClient(gateway.url, { token: data?.token })
    assert.equal((await moved.ask(ENDPOINT)).viewer.tenant.endpoint, null)
    const { invitations } = await moved.ask('{ invitations { nodes { shortUrl message } } }')
    const { shortUrl, message } = invitations.nodes[0]
    assert.equal(new URL(shortUrl).origin, gateway.url)
    assert.deepEqual(JSON.parse(await textAt(shortUrl)), message)
    assert.deepEqual(message, invitation.message)
  } finally {
    await Promise.all([old.stop(), gateway.stop()])
    await Promise.all([oldStore.remove(), newStore.remove()])
  }
})

test('a path or an endpoint that another has there stays with it', async () => {
  const [oldStore, newStore] = await Promise.all([freshStore('sqlite'), freshStore('postgres')])
  const port = `${await freePort()}`
  let gateway = await startGateway(oldStore, { PORT: port })
  try {
    const [slug, path] = [uniqueName('slug'), uniqueName('path')]
    const tenant = await makeTenant(gateway.url, { endpoint: slug })
    const { did } = await createDid(tenant.client, 'web', { path })
    const archive = await exportTenant(ApiClient.operator(gateway.url), { tenantId: tenant.id })
    await gateway.stop()
    gateway = await startGateway(newStore, { PORT: port })
    const other = await makeTenant(gateway.url, { endpoint: slug })
    const taken = await createDid(other.client, 'web', { path })
    const text = await textAt(urlOf(taken.did, 'did.json'))
    const { data, errors } = await importTenant(ApiClient.operator(gateway.url), archive)
    assert.deepEqual(errors, undefined, gateway.log().split('\n').slice(-5).join('\n'))
    assert.deepEqual(data?.notServed, [did, `${gateway.url}/didcomm/t/${slug}`])
    assert.equal(await textAt(urlOf(taken.did, 'did.json')), text)
  } finally {
    await gateway.stop()
    await Promise.all([oldStore.remove(), newStore.remove()])
  }
})

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { accept: 'application/json' } })
  assert.equal(answer.status, 200, url)
  return answer.text()
}
