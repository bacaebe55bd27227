import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

/** Nothing of the browser's own on the network, so that what is recorded is the page's. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts a headless Chromium: that of `CHROMIUM_PATH`, else the system's, which `npm test` installs where it may. Its home folder is a temporary one.
 *
 * @throws {Error} that says what to do, when there is none
 */
export async function launchChromium(): Promise<{ browser: Browser; dispose(): Promise<void> }> {
  const executablePath = await findChromium()
  const home = await mkdtemp(join(tmpdir(), 'tenantry-chromium-'))
  const browser = await chromium.launch({ executablePath, args: flags, env: { ...process.env, HOME: home } })
  return {
    browser,
    async dispose() {
      await browser.close()
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function findChromium(): Promise<string> {
  const named = process.env['CHROMIUM_PATH']
  if (named) {
    if (existsSync(named)) return named
    throw new Error(`CHROMIUM_PATH names ${named}, which is not there`)
  }
  const system = '/usr/bin/chromium'
  if (existsSync(system)) return system
  throw new Error('These tests drive a real browser: install Chromium, or name one in CHROMIUM_PATH')
}
