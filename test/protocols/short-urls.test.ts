import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { renderSVG } from 'uqr'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'

const FIELDS = 'id url shortUrl qrCode message role'
const CREATE = `mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { ${FIELDS} } } }`
const RECEIVE = `mutation($url: String!) { receiveInvitation(input: {url: $url}) {
  invitation { ${FIELDS} } connection { state } } }`
const ASK = `mutation($input: RequestProofInput!) { requestProof(input: $input) { invitation { ${FIELDS} } } }`

const asAgent = (url: string) => fetch(url, { headers: { accept: 'application/json' } })
const asBrowser = (url: string) =>
  fetch(url, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, redirect: 'manual' })

for (const kind of STORES) {
  describe(`short URLs of invitations on ${kind}`, () => {
    let store: TestStore
    let gateways: TestGateway[]
    let acme: TestTenant

    before(async () => {
      store = await freshStore(kind)
      gateways = [await startGateway(store)]
      if (kind === 'postgres') gateways.push(await startGateway(store))
      acme = await makeTenant((gateways[0] as TestGateway).url)
    })
    after(async () => {
      for (const gateway of gateways ?? []) await gateway.stop()
      await store?.remove()
    })

    const invite = async (tenant: TestTenant, input: object = {}) =>
      (await tenant.client.ask(CREATE, { input })).createInvitation.invitation
    /** The same short URL at each instance. */
    const everywhere = (shortUrl: string) =>
      gateways.map(({ url }) => new URL(new URL(shortUrl).pathname, url).toString())

    test('have a picture to scan, of the long URL only where phones can read it', async () => {
      const { url, qrCode } = await invite(acme)
      const modules = (svg: string) => Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1])
      assert.match(qrCode, /^<svg .*<\/svg>$/s)
      assert.ok(url.length > 600 && modules(qrCode) < modules(renderSVG(url)))
      const { shortUrl, qrCode: same } = await invite(acme)
      assert.equal(same, renderSVG(shortUrl))
    })

    test('give agents the message and browsers the long URL, at every instance', async () => {
      const { url, shortUrl, message } = await invite(acme)
      assert.match(shortUrl, new RegExp(`^${acme.client.url}/invitations/[\\w-]{22}$`))
      for (const at of everywhere(shortUrl)) {
        const answer = await asAgent(at)
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
        assert.deepEqual(await answer.json(), message)
        const redirect = await asBrowser(at)
        assert.deepEqual([redirect.status, redirect.headers.get('location')], [302, url])
        assert.equal(redirect.headers.get('cache-control'), 'no-store')
      }
    })

    test('connect whoever receives them, and are short also for what is long', async () => {
      const globex = await makeTenant(acme.client.url)
      const { shortUrl, id } = await invite(acme)
      const { receiveInvitation } = await globex.client.ask(RECEIVE, { url: shortUrl })
      assert.equal(receiveInvitation.connection.state, 'REQUEST_SENT')
      assert.equal(receiveInvitation.invitation.shortUrl, null)
      assert.equal(
        (await acme.client.ask('query($id: ID!) { invitation(id: $id) { shortUrl } }', { id })).invitation.shortUrl,
        shortUrl,
      )
      const names = Array.from({ length: 90 }, (_, index) => `an attribute with a long name ${index}`)
      const request = { requested_attributes: Object.fromEntries(names.map((name) => [name, { name }])) }
      const { requestProof } = await acme.client.ask(ASK, { input: { name: 'All of it', request } })
      const { invitation } = requestProof
      assert.ok(invitation.url.length > 8000)
      assert.ok(invitation.shortUrl.length < 100)
      await globex.client.ask(RECEIVE, { url: invitation.shortUrl })
      const { proofExchanges } = await globex.client.ask('{ proofExchanges { nodes { request } } }')
      assert.equal(Object.keys(proofExchanges.nodes[0].request.requested_attributes).length, 90)
    })

    test('lead to the domain that the tenant chose', async () => {
      const { url, shortUrl } = await invite(acme, { domain: 'https://wallet.example' })
      assert.ok(url.startsWith('https://wallet.example?oob='))
      assert.ok(shortUrl.startsWith(`${acme.client.url}/invitations/`))
      assert.equal((await asBrowser(shortUrl)).headers.get('location'), url)
    })

    test('go with the invitation and with the tenant, and cannot be guessed', async () => {
      const globex = await makeTenant(acme.client.url)
      const [first, second] = [await invite(globex), await invite(globex)]
      await globex.client.ask('mutation($id: ID!) { deleteInvitation(invitationId: $id) { deletedId } }', {
        id: first.id,
      })
      for (const at of everywhere(first.shortUrl)) assert.equal((await asAgent(at)).status, 404)
      for (const at of everywhere(second.shortUrl)) assert.equal((await asAgent(at)).status, 200)
      await ApiClient.operator(acme.client.url).ask(
        'mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }',
        { id: globex.id },
      )
      for (const at of everywhere(second.shortUrl)) assert.equal((await asAgent(at)).status, 404)
      for (const guess of ['', '.', second.id, second.message['@id'], 'A'.repeat(22), '..%2f..%2fgraphql']) {
        assert.equal((await asAgent(`${acme.client.url}/invitations/${guess}`)).status, 404)
      }
    })
  })
}
