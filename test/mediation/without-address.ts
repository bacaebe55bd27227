import { freePort } from '../support/ports.js'

/** What a gateway is started with that nobody can reach but whoever asks its API at `url`. */
export async function withoutAddress(env: Record<string, string> = {}) {
  const port = await freePort()
  const settings = { PORT: `${port}`, PUBLIC_URL: 'http://nowhere.invalid', MEDIATOR_PICKUP: 'on', ...env }
  return { settings, url: `http://127.0.0.1:${port}` }
}
