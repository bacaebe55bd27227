import type { ApiClient } from '../support/client.js'
import { eventually } from '../support/talk.js'

export interface Grant {
  id: string
  state: string
  endpoint: string | null
  routingKeys: string[]
  default: boolean
}

const FIELDS = 'id state endpoint routingKeys default'

export async function grantsOf(client: ApiClient): Promise<Grant[]> {
  return (await client.ask(`{ mediationGrants { ${FIELDS} } }`)).mediationGrants
}

/** The mediator that new connections go through, once there is one. */
export async function defaultOf(client: ApiClient): Promise<Grant | undefined> {
  return (await grantsOf(client)).find((grant) => grant.default)
}

interface Service {
  serviceEndpoint: string
  routingKeys: string[]
  recipientKeys: string[]
}

/** Where an invitation says that its inviter is. */
export const serviceOf = (message: unknown) => (message as { services: [Service] }).services[0]

/** Connects a wallet to a mediator, and makes it the default. */
export async function choose(client: ApiClient, invitationUrl: string): Promise<Grant> {
  const { connectMediator } = await client.ask(
    `mutation($invitationUrl: String!) { connectMediator(invitationUrl: $invitationUrl) { mediationGrant { ${FIELDS} } } }`,
    { invitationUrl },
  )
  const { id } = connectMediator.mediationGrant as Grant
  await eventually(async () => (await grantsOf(client)).some((grant) => grant.id === id && grant.state === 'GRANTED'))
  const { setDefaultMediator } = await client.ask(
    `mutation($id: ID!) { setDefaultMediator(grantId: $id) { mediationGrant { ${FIELDS} } } }`,
    { id },
  )
  return setDefaultMediator.mediationGrant
}
