import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type NextFunction, type Request, type Response } from 'express'

export interface ExplorerOptions {
  /** Where the built page lies: `index.html` and `assets/`. `dist/explorer` where absent. */
  folder?: string
}

const builtPage = fileURLToPath(new URL('../../explorer', import.meta.url))

/**
 * Nothing from elsewhere, and no inline script. Monaco, the editor in the page, writes style elements of its own and
 * carries its icons as data URLs; `'self'` in connect-src covers the WebSocket of the same host (CSP 3, 6.7.2.8).
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const notBuilt = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>Tenantry explorer</title>
  <h1>The explorer page is not built</h1>
  <p>Run <code>npm run build</code> in the checkout, then load this page again.</p>
  <p>The API works without it: <code>POST /graphql</code>.</p>
</html>
`

/**
 * The explorer for people: a browser's `GET /graphql`, to which `GET /` leads, and what the page loads from
 * `/explorer/assets/`. Mount it at the root, before the handler of `/graphql`: every other request passes on.
 */
export function explorer({ folder = builtPage }: ExplorerOptions = {}): express.Router {
  const router = express.Router()
  // The names carry a hash of the content; a worker is under the policy that its own script came with.
  const assets = express.static(join(folder, 'assets'), {
    immutable: true,
    maxAge: '1y',
    index: false,
    redirect: false,
  })
  router.use('/explorer/assets', secure, assets, (_request, response) => {
    response.set('Cache-Control', 'no-store').status(404).type('text').send('Not found\n')
  })
  router.get('/', (request, response, next) => {
    response.vary('Accept')
    // With a query it is an invitation, which is for agents.
    if (!isForPeople(request) || Object.keys(request.query).length > 0) return next()
    // Relative: a proxy may have the gateway under a path.
    response.redirect(302, 'graphql')
  })
  router.get('/graphql', async (request, response, next) => {
    response.vary('Accept')
    if (!isForPeople(request)) return next()
    const page = await readPage(join(folder, 'index.html'))
    secure(request, response, () => response.set('Cache-Control', 'no-cache').type('html').send(page))
  })
  return router
}

/** A browser prefers HTML over what GraphQL is answered in; a program names that, or takes anything. */
function isForPeople(request: Request): boolean {
  const best = request.accepts(['application/graphql-response+json', 'application/json', 'text/html'])
  return best === 'text/html' && request.query['query'] === undefined
}

function secure(_request: Request, response: Response, next: NextFunction): void {
  response.set({
    'Content-Security-Policy': contentSecurityPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  })
  next()
}

/** Read each time: a person's load is rare, and a page built while the gateway runs is there at once. */
async function readPage(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return notBuilt
    throw error
  }
}
