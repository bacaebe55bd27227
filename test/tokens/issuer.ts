import { generateKeyPair, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose'

/** A small OpenID Connect issuer on a port of its own: a configuration, keys, and tokens with whatever claims. */
export class TestIssuer {
  /** Requests for its keys so far. */
  keyRequests = 0
  /** What it publishes. */
  keys: JWK[] = []
  isDown = false
  /** Requests while it was down. */
  refused = 0
  private signing: { key: KeyObject; kid: string } | undefined

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<TestIssuer> {
    const server = createServer((request, response) => {
      if (issuer.isDown) {
        issuer.refused += 1
        return void response.writeHead(503).end()
      }
      response.setHeader('content-type', 'application/json')
      if (request.url === '/.well-known/openid-configuration') {
        return void response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }))
      }
      if (request.url !== '/keys') return void response.writeHead(404).end()
      issuer.keyRequests += 1
      response.end(JSON.stringify({ keys: issuer.keys }))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const issuer = new TestIssuer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await issuer.takeNewKey('first')
    return issuer
  }

  /** Signs with a new key from here on; the ones before stay published. */
  async takeNewKey(kid: string): Promise<void> {
    const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
    this.signing = { key: privateKey, kid }
    this.keys.push({ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' })
  }

  /** A token that holds for ten minutes, but for what `claims` and `header` change; undefined leaves a claim out. */
  sign(claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
    const { key, kid } = this.signing as { key: KeyObject; kid: string }
    const now = Math.floor(Date.now() / 1000)
    const standard = { iss: this.url, aud: 'tenantry', sub: 'alice', iat: now, exp: now + 600 }
    return new SignJWT({ ...standard, ...claims }).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(key)
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
  }
}
