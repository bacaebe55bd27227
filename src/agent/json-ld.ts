import { type AgentContext, CredoError, W3cCredentialsModule } from '@credo-ts/core'

/** The contexts that Credo brings along. */
const KNOWN = new Set([
  'https://www.w3.org/2018/credentials/v1',
  'https://w3id.org/security/data-integrity/v2',
  'https://w3id.org/security/v1',
  'https://w3id.org/security/v2',
  'https://w3id.org/did/v1',
  'https://www.w3.org/ns/did/v1',
])

/**
 * Credo's module, which reads no JSON-LD context but those that it has: what a credential names would be fetched past the
 * guard, with the wallet in hand, from wherever its issuer likes.
 */
export function offlineCredentialsModule(): W3cCredentialsModule {
  const stock = new W3cCredentialsModule().config.documentLoader
  return new W3cCredentialsModule({
    documentLoader: (context: AgentContext) => {
      const load = stock(context)
      return async (url: string) => {
        if (KNOWN.has(url)) return load(url)
        throw new CredoError('Only JSON-LD contexts that come with the agent are read')
      }
    },
  })
}
