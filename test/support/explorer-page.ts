import assert from 'node:assert/strict'
import type { BrowserContext, Page } from 'playwright-core'

/** Every address asked for, workers and sockets included, and every error that the browser tells of. */
export function record(context: BrowserContext, page: Page): { urls: string[]; complaints: string[] } {
  const urls: string[] = []
  const complaints: string[] = []
  context.on('request', (request) => urls.push(request.url()))
  page.on('websocket', (socket) => urls.push(socket.url()))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} at ${message.location().url}`)
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { urls, complaints }
}

export async function enter(page: Page, credential: string): Promise<void> {
  await page.getByLabel('Operator key or tenant token').fill(credential)
  await page.keyboard.press('Enter')
}

/**
 * Runs a step of the story. The play button offers a choice once the editor has told it of the operations, a moment
 * after the text.
 *
 * @returns the `data` of the gateway's answer: the editor shows long values in pieces
 */
export async function runStep<Data>(page: Page, name: string): Promise<Data> {
  const answered = page.waitForResponse((response) => response.request().postData()?.includes(name) ?? false)
  await page.locator('[aria-label^="Execute query"][aria-haspopup="menu"]').click()
  await page.getByRole('menuitem', { name }).click()
  return (await (await answered).json()).data
}

export async function runEvents(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'events' }).click()
  await page.locator('[aria-label^="Execute query"]:not([aria-haspopup])').click()
}

/** As the editor shows it: its spaces are no-break ones. */
async function resultOf(page: Page): Promise<string> {
  return ((await page.getByLabel('Result Window').textContent()) ?? '').replace(/\u00a0/g, ' ')
}

export async function shows(page: Page, text: string): Promise<boolean> {
  return (await resultOf(page)).includes(text)
}

export async function seeResult(page: Page, text: string): Promise<void> {
  await until(
    () => shows(page, text),
    async () => `${text} in ${await resultOf(page)}`,
  )
}

/** Does step 1 of the story as operator. @returns the token shown */
export async function createAcme(page: Page, operatorKey: string): Promise<string> {
  await enter(page, operatorKey)
  await page.getByText('Operator', { exact: true }).waitFor()
  const { createTenant } = await runStep<{ createTenant: { token: string } }>(page, 'step1_createAcme')
  await seeResult(page, '"token"')
  return createTenant.token
}

export async function until(holds: () => boolean | Promise<boolean>, what = async () => String(holds)): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`did not come: ${await what()}`)
}
