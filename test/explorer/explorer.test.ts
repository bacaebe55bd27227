import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { explorer } from '../../src/server/explorer.js'
import { launchChromium } from '../support/chromium.js'
import { createAcme, enter, record, runEvents, runStep, seeResult, until } from '../support/explorer-page.js'
import { operatorKey, startTinyGraphqlServer, type TinyGraphqlServer } from '../support/tiny-graphql-server.js'

const acceptsNot = /does not accept this key or token/

describe('the explorer page', () => {
  let chromium: Awaited<ReturnType<typeof launchChromium>>
  before(async () => {
    chromium = await launchChromium()
  })
  after(() => chromium?.dispose())

  /** Opens the page of a server of its own; afterwards nothing may have gone elsewhere or been complained of. */
  async function visit(story: (page: Page, server: TinyGraphqlServer) => Promise<void>): Promise<void> {
    const server = await startTinyGraphqlServer(explorer())
    const context = await chromium.browser.newContext()
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      const seen = record(context, page)
      await page.goto(`${server.origin}/graphql`)
      await page.getByText('Two tenants meet, step by step.').waitFor()
      await story(page, server)
      const elsewhere = seen.urls.filter((url) => !/^(data|blob):/.test(url) && new URL(url).host !== hostOf(server))
      assert.ok(seen.urls.some((url) => url.includes('/explorer/assets/')))
      assert.deepEqual(elsewhere, [])
      assert.deepEqual(seen.complaints, [])
    } finally {
      await context.close()
      await server.close()
    }
  }

  test('loads from its own origin alone, and shows the story and the docs of the schema', () =>
    visit(async (page) => {
      await page.getByText('"paste the url of step 4 here"').waitFor()
      await page.getByRole('tab', { name: 'events' }).waitFor()
      await page.getByLabel('Show Documentation Explorer').click()
      await page.getByRole('link', { name: 'Subscription', exact: true }).waitFor()
      await page.getByRole('link', { name: 'Query', exact: true }).click()
      await page.getByText('Who the request is, as the gateway sees it.').waitFor()
    }))

  test('sends the operator key as x-api-key, and only the operation chosen', () =>
    visit(async (page, server) => {
      await enter(page, operatorKey)
      await page.getByText('Operator', { exact: true }).waitFor()
      await runStep(page, 'step0_whoAmI')
      await seeResult(page, '"role": "OPERATOR"')
      assert.equal(server.requests.at(-1)?.['x-api-key'], operatorKey)
      assert.equal(server.requests.at(-1)?.authorization, undefined)
    }))

  test('runs the step that the cursor is in by the keyboard alone', () =>
    visit(async (page) => {
      await enter(page, operatorKey)
      await page.getByText('Operator', { exact: true }).waitFor()
      await page.getByText('step0_whoAmI {').click()
      await page.keyboard.press('Control+Enter')
      await seeResult(page, '"role": "OPERATOR"')
    }))

  test("takes the token that a tenant's creation gave, and sends it as a bearer token", () =>
    visit(async (page, server) => {
      const token = await createAcme(page, operatorKey)
      await enter(page, token)
      await page.getByText('Tenant acme', { exact: true }).waitFor()
      await runStep(page, 'step0_whoAmI')
      await seeResult(page, '"name": "acme"')
      assert.equal(server.requests.at(-1)?.authorization, `Bearer ${token}`)
      assert.equal(server.requests.at(-1)?.['x-api-key'], undefined)
    }))

  test('streams events with the credential in connectionParams, and reconnects with a changed one', () =>
    visit(async (page, server) => {
      const token = await createAcme(page, operatorKey)
      await runEvents(page)
      await until(() => server.streaming() === 1)
      assert.deepEqual(server.connections, [{ apiKey: operatorKey }])
      await createTenants(server, ['globex', 'initech'])
      await seeResult(page, '"received": 2')
      await seeResult(page, '"cursor": "cursor of globex"')
      await seeResult(page, '"cursor": "cursor of initech"')

      await enter(page, token)
      await seeResult(page, 'The key or token was changed.')
      await runEvents(page)
      await until(() => server.connections.length === 2)
      assert.deepEqual(server.connections[1], { authorization: `Bearer ${token}` })
    }))

  test('shows that a stream ended, and keeps what had come', () =>
    visit(async (page, server) => {
      await enter(page, operatorKey)
      await page.getByText('Operator', { exact: true }).waitFor()
      await runEvents(page)
      await until(() => server.streaming() === 1)
      await createTenants(server, ['acme'])
      await seeResult(page, '"received": 1')
      server.endStreams()
      await seeResult(page, 'The connection was closed')
      await seeResult(page, '"cursor": "cursor of acme"')
    }))

  test('says plainly that a key does not hold, and does not use it', () =>
    visit(async (page, server) => {
      await enter(page, 'not-the-key')
      await page.getByText(acceptsNot).waitFor()
      await runStep(page, 'step0_whoAmI')
      await seeResult(page, '"role": "ANONYMOUS"')
      assert.equal(server.requests.at(-1)?.['x-api-key'], undefined)
      await enter(page, 'wrong.token.altogether')
      await page.getByText(acceptsNot).waitFor()
      await enter(page, 'two words')
      await page.getByText('A key or token has no spaces').waitFor()
      assert.equal(await page.evaluate('sessionStorage.length'), 0)
    }))

  test('keeps the credential over a reload, in this browser tab alone, until it is told to forget it', () =>
    visit(async (page) => {
      await enter(page, operatorKey)
      await page.getByText('Operator', { exact: true }).waitFor()
      await page.reload()
      await page.getByText('Operator', { exact: true }).waitFor()
      assert.doesNotMatch(String(await page.evaluate('JSON.stringify({ ...localStorage })')), new RegExp(operatorKey))
      assert.doesNotMatch(await page.evaluate('document.cookie'), /./)

      const other = await page.context().newPage()
      await other.goto(page.url())
      await other.getByText('No key or token yet').waitFor()
      await other.close()

      await page.getByRole('button', { name: 'Forget' }).click()
      await page.getByText('No key or token yet').waitFor()
      assert.equal(await page.evaluate('sessionStorage.length'), 0)
    }))
})

function hostOf(server: TinyGraphqlServer): string {
  return new URL(server.origin).host
}

/** As another program would, while the page looks on. */
async function createTenants(server: TinyGraphqlServer, names: string[]): Promise<void> {
  for (const name of names) {
    const query = `mutation { createTenant(input: { name: "${name}" }) { token } }`
    const headers = { 'content-type': 'application/json', 'x-api-key': operatorKey }
    const response = await fetch(`${server.origin}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query }),
    })
    assert.equal(response.status, 200)
  }
}
