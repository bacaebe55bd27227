import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { launchChromium } from '../support/chromium.js'
import { ApiClient } from '../support/client.js'
import { createAcme, enter, record, runEvents, runStep, seeResult, shows, until } from '../support/explorer-page.js'
import { freshStore, OPERATOR_KEY, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'

describe('the explorer of a gateway', () => {
  let chromium: Awaited<ReturnType<typeof launchChromium>>
  let store: TestStore
  let gateway: TestGateway
  before(async () => {
    store = await freshStore('sqlite')
    chromium = await launchChromium()
    gateway = await startGateway(store)
  })
  after(async () => {
    await chromium?.dispose()
    await gateway?.stop()
    await store?.remove()
  })

  test('makes a tenant as operator, and shows its events as tenant, of its own origin alone', async () => {
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    const seen = record(context, page)
    try {
      await page.goto(`${gateway.url}/graphql`)
      await page.getByText('Two tenants meet, step by step.').waitFor()
      const token = await createAcme(page, OPERATOR_KEY)

      await enter(page, token)
      await page.getByText('Tenant acme', { exact: true }).waitFor()
      const { createInvitation } = await runStep<{ createInvitation: { invitation: { url: string } } }>(
        page,
        'step4_acmeInvites',
      )
      const { url } = createInvitation.invitation
      await seeResult(page, '"state": "AWAIT_RESPONSE"')

      // The page does not say when its subscription has been taken: of the events that come after it, one is seen.
      await runEvents(page)
      const acme = new ApiClient(gateway.url, { token })
      await until(async () => {
        await acme.ask('mutation { createInvitation(input: {}) { invitation { id } } }')
        return shows(page, '"__typename": "InvitationEvent"')
      })

      const { createTenant } = await ApiClient.operator(gateway.url).ask(
        'mutation { createTenant(input: { name: "globex", label: "Globex Corp." }) { token } }',
      )
      const globex = new ApiClient(gateway.url, { token: createTenant.token })
      await globex.ask('mutation($url: String) { receiveInvitation(input: { url: $url }) { connection { id } } }', {
        url,
      })
      await seeResult(page, '"previousState": "RESPONSE_SENT"')
      await seeResult(page, '"theirLabel": "Globex Corp."')

      const elsewhere = seen.urls.filter(
        (address) => !/^(data|blob):/.test(address) && new URL(address).host !== new URL(gateway.url).host,
      )
      assert.deepEqual(elsewhere, [])
      assert.deepEqual(seen.complaints, [])
    } finally {
      await context.close()
    }
  })
})
