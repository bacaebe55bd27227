import { existsSync } from 'node:fs'
import { installWithApt } from './apt.mjs'

const SYSTEM = '/usr/bin/chromium'

/** Has a browser for the tests of the explorer, before any of them runs: two at once must not install it. */
export async function ensureChromium() {
  if (!process.env.CHROMIUM_PATH && !existsSync(SYSTEM)) await installWithApt(['chromium'])
}
