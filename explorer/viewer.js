import { GRAPHQL_PATH } from './gateway.js'

const VIEWER = '{ viewer { role tenant { name } } }'

/**
 * Asks the gateway whom a credential speaks for.
 *
 * @returns {Promise<string>} as the reader should see it, e.g. `Operator` or `Tenant acme`
 * @throws {Error} with a message for the reader, when it does not hold or cannot be checked
 */
export async function whoIs(credential) {
  const { data, errors } = await ask(credential)
  if (errors?.[0]?.extensions?.code === 'UNAUTHENTICATED') {
    throw new Error('The gateway does not accept this key or token. It may be mistyped, expired or revoked.')
  }
  if (errors?.length) throw new Error(`The gateway could not check it: ${errors[0].message}`)
  if (data.viewer.role === 'OPERATOR') return 'Operator'
  if (data.viewer.role === 'TENANT') return `Tenant ${data.viewer.tenant?.name ?? ''}`
  throw new Error('This instance of the gateway does not take operator keys.')
}

async function ask(credential) {
  try {
    const response = await fetch(GRAPHQL_PATH, {
      method: 'POST',
      // Plain JSON: a refusal comes as 200 with the error, which the browser does not log as a failed request.
      headers: { 'content-type': 'application/json', accept: 'application/json', ...credential.headers },
      body: JSON.stringify({ query: VIEWER }),
    })
    return await response.json()
  } catch {
    throw new Error('The gateway did not answer. Is it running?')
  }
}
