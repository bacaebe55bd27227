import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { type Config, publicUrlOf } from '../../config/config.js'
import { echoOf } from '../../server/health.js'
import { codeOf, type Findings } from './finding.js'

const PATIENCE_MS = 5000

/**
 * Whether a gateway on this store listens at HOST and PORT, and whether PUBLIC_URL leads to one: each is asked for an
 * echo that only a gateway on this store knows.
 */
export async function examineWaysIn(config: Config, storeId: string | undefined, found: Findings): Promise<void> {
  const { host, port } = config
  const local = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const here = port === 0 ? 'silent' : await ask(local.replace('//0.0.0.0:', '//127.0.0.1:'), storeId)
  if (here === 'ours') found.ok('port', `A gateway on this store listens at ${local}`)
  else if (here === 'other') {
    found.wrong('port', `Something else listens at ${local}`, 'Stop it, or choose another PORT.')
  } else await examinePort(config, found)

  const publicUrl = config.publicUrl ?? (port === 0 ? undefined : publicUrlOf(config, port))
  if (publicUrl === undefined || storeId === undefined) return
  const there = await ask(publicUrl, storeId)
  if (there === 'ours') return void found.ok('public url', `${publicUrl} leads to a gateway on this store`)
  const advice = 'Check PUBLIC_URL, its DNS name, and the proxy before the gateway: peers send to this URL.'
  if (there === 'other')
    found.wrong('public url', `${publicUrl} leads to something else, or to a gateway on another store`, advice)
  else if (here === 'ours') found.wrong('public url', `${publicUrl} does not answer, and a gateway runs here`, advice)
  else found.ok('public url', `${publicUrl} does not answer, as no gateway runs here`)
}

async function examinePort({ host, port }: Config, found: Findings): Promise<void> {
  const failure = await new Promise<unknown>((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
  if (failure === undefined) found.ok('port', `No gateway listens at ${host}:${port}, and one could`)
  else
    found.wrong(
      'port',
      `${host}:${port} cannot be listened on (${codeOf(failure)})`,
      'Stop what listens there, or change HOST or PORT.',
    )
}

async function ask(url: string, storeId: string | undefined): Promise<'ours' | 'other' | 'silent'> {
  const challenge = randomBytes(16).toString('hex')
  try {
    const response = await fetch(`${url}/health/live?challenge=${challenge}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const { echo } = (await response.json()) as { echo?: string }
    return storeId !== undefined && echo === echoOf(storeId, challenge) ? 'ours' : 'other'
  } catch (error) {
    return error instanceof SyntaxError ? 'other' : 'silent'
  }
}
