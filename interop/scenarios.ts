import assert from 'node:assert/strict'
import { choose, serviceOf } from '../test/mediation/mediation-api.js'
import { connect, type TestTenant } from '../test/support/client.js'
import { eventually, receive, say } from '../test/support/talk.js'
import { CREDO, OLDER_CREDO } from './credo/versions.js'
import type { InviteOptions, PeerWallet } from './peer-wallet.js'
import type { Sides } from './sides.js'

/** One row of the matrix. */
export interface Scenario {
  title: string
  /** What keeps a peer, by its name, from it; it is not tried with that one. */
  limits?: Record<string, string>
  run(sides: Sides): Promise<void>
}

/** A connection, as each side calls it. */
interface Pair {
  tenant: TestTenant
  wallet: PeerWallet
  connectionId: string
  theirConnectionId: string
}

const CONNECTIONS = 'https://didcomm.org/connections/1.0'
const DID_EXCHANGE = 'https://didcomm.org/didexchange/1.0'
const DID_EXCHANGE_NEWER = 'https://didcomm.org/didexchange/1.1'

const INVITE = `mutation($multiUse: Boolean) {
  createInvitation(input: {multiUse: $multiUse}) { invitation { id message } } }`
const OF_INVITATION = `query($id: ID!) {
  connections(filter: {invitationId: $id, state: COMPLETED}) { nodes { id } } }`
const CONNECTION = 'query($id: ID!) { connection(id: $id) { state } }'
const PING = 'mutation($id: ID!) { sendPing(connectionId: $id) { threadId } }'
const MESSAGES = '{ basicMessages { nodes { content role connectionId } } }'

// biome-ignore lint/suspicious/noExplicitAny: an invitation is a message of the wire
type Invitation = any

async function invite({ client }: TestTenant, multiUse = false): Promise<{ id: string; message: Invitation }> {
  return (await client.ask(INVITE, { multiUse })).createInvitation.invitation
}

const completedOf = (tenant: TestTenant, id: string, count = 1): Promise<string[]> =>
  eventually(async () => {
    const { nodes } = (await tenant.client.ask(OF_INVITATION, { id })).connections
    return nodes.length >= count && nodes.map((node: { id: string }) => node.id)
  })

const completed = ({ client }: TestTenant, id: string): Promise<unknown> =>
  eventually(async () => (await client.ask(CONNECTION, { id })).connection.state === 'COMPLETED')

/** A handshake by the gateway's invitation, which asks for one protocol alone. */
async function byOurInvitation(sides: Sides, protocol: string, didMethod?: string): Promise<Pair> {
  const [tenant, wallet] = [await sides.tenant(), await sides.wallet()]
  const { id, message } = await invite(tenant)
  const theirConnectionId = await wallet.receive({ ...message, handshake_protocols: [protocol] }, didMethod)
  await wallet.connected(theirConnectionId)
  const [connectionId = ''] = await completedOf(tenant, id)
  return { tenant, wallet, connectionId, theirConnectionId }
}

/** A handshake by an invitation of the other agent's. */
async function byTheirInvitation(sides: Sides, protocol: string, options?: InviteOptions): Promise<Pair> {
  const [tenant, wallet] = [await sides.tenant(), await sides.wallet()]
  const invitation = await wallet.invite(protocol, options)
  const connectionId = await receive(tenant, invitation)
  await completed(tenant, connectionId)
  const [theirConnectionId = ''] = await wallet.connectionsOf(invitation)
  return { tenant, wallet, connectionId, theirConnectionId }
}

/** Messages one after the other both ways: each arrives, once. */
async function talk({ tenant, wallet, connectionId, theirConnectionId }: Pair): Promise<void> {
  await say(tenant.client, connectionId, 'from the gateway: ä€😀')
  await wallet.heard(theirConnectionId, 'from the gateway: ä€😀')
  await wallet.say(theirConnectionId, 'to the gateway: ä€😀')
  await eventually(async () => {
    const { nodes } = (await tenant.client.ask(MESSAGES)).basicMessages
    const isIt = (node: { content: string; connectionId: string }) =>
      node.content === 'to the gateway: ä€😀' && node.connectionId === connectionId
    return nodes.filter(isIt).length === 1
  })
}

async function ping({ tenant, wallet, connectionId, theirConnectionId }: Pair): Promise<void> {
  const tap = await tenant.client.follow({ topics: ['PING'] })
  try {
    await tenant.client.ask(PING, { id: connectionId })
    await tap.find((event) => event.direction === 'RESPONSE_RECEIVED' && event.connectionId === connectionId)
    await wallet.ping(theirConnectionId)
  } finally {
    await tap.close()
  }
}

/** Two tenants that talk, the first of them by whatever mediator it has. */
async function hear(listener: TestTenant, speaker: TestTenant, content: string): Promise<void> {
  const { invitee } = await connect(listener, speaker)
  const tap = await listener.client.follow({ topics: ['BASIC_MESSAGE'] })
  try {
    await say(speaker.client, invitee, content)
    await tap.find((event) => event.message?.content === content)
  } finally {
    await tap.close()
  }
}

/** Its settings switch `--open-mediation` off for subwallets. */
const NO_OPEN_MEDIATION = {
  'ACA-Py, multitenant agent': 'subwallets of ACA-Py do not grant mediation by themselves',
}

const ANSWERS_IN_KIND = 'N/A: Credo answers by the kind of DID that it is asked by'
const ofCredo = (limit: string) => Object.fromEntries([CREDO, OLDER_CREDO].map((name) => [name, limit]))

export const SCENARIOS: readonly Scenario[] = [
  {
    title: "OOB invitation of the gateway's, connections 1.0; then messages and pings both ways",
    async run(sides) {
      const pair = await byOurInvitation(sides, CONNECTIONS)
      await talk(pair)
      await ping(pair)
    },
  },
  {
    title: "OOB invitation of the peer's, DID exchange 1.0; then messages and pings both ways",
    limits: ofCredo('N/A: Credo speaks 1.1 alone'),
    async run(sides) {
      const pair = await byTheirInvitation(sides, DID_EXCHANGE)
      await talk(pair)
      await ping(pair)
    },
  },
  {
    title: "OOB invitation of the peer's, connections 1.0; then messages and pings both ways",
    async run(sides) {
      const pair = await byTheirInvitation(sides, CONNECTIONS)
      await talk(pair)
      await ping(pair)
    },
  },
  {
    title: "OOB invitation of the gateway's, DID exchange 1.1; then messages both ways",
    run: async (sides) => talk(await byOurInvitation(sides, DID_EXCHANGE_NEWER)),
  },
  ...['did:peer:2', 'did:peer:4'].map((method) => ({
    title: `OOB invitation of the gateway's, DID exchange 1.1 by ${method} of the peer's; then messages both ways`,
    run: async (sides: Sides) => talk(await byOurInvitation(sides, DID_EXCHANGE_NEWER, method)),
  })),
  {
    title: "OOB invitation of the peer's, DID exchange 1.1; then messages and pings both ways",
    async run(sides) {
      const pair = await byTheirInvitation(sides, DID_EXCHANGE_NEWER)
      await talk(pair)
      await ping(pair)
    },
  },
  {
    title: "OOB invitation of the peer's, DID exchange 1.1 by did:peer:2; then messages both ways",
    limits: ofCredo(ANSWERS_IN_KIND),
    run: async (sides) => talk(await byTheirInvitation(sides, DID_EXCHANGE_NEWER, { didMethod: 'did:peer:2' })),
  },
  {
    title: "OOB invitation of the peer's, DID exchange 1.1 by did:peer:4; then messages both ways",
    limits: ofCredo(ANSWERS_IN_KIND),
    run: async (sides) => talk(await byTheirInvitation(sides, DID_EXCHANGE_NEWER, { didMethod: 'did:peer:4' })),
  },
  {
    title: "Connections 1.0 invitation of the peer's (Aries RFC 0160), without OOB; then messages both ways",
    async run(sides) {
      const [tenant, wallet] = [await sides.tenant(), await sides.wallet()]
      const invitation = await wallet.inviteAsBefore()
      const connectionId = await receive(tenant, invitation)
      await completed(tenant, connectionId)
      const [theirConnectionId = ''] = await wallet.connectionsOf(invitation)
      await talk({ tenant, wallet, connectionId, theirConnectionId })
    },
  },
  {
    title: "Multi-use invitation of the gateway's, used three times",
    async run(sides) {
      const tenant = await sides.tenant()
      const { id, message } = await invite(tenant, true)
      for (let time = 0; time < 3; time++) {
        const wallet = await sides.another()
        await wallet.connected(await wallet.receive(message))
      }
      await completedOf(tenant, id, 3)
    },
  },
  {
    title: "The peer as a tenant's own mediator; then a handshake and a message by it",
    limits: NO_OPEN_MEDIATION,
    async run(sides) {
      const [tenant, other, wallet] = [await sides.tenant(), await sides.tenant(), await sides.wallet()]
      const { endpoint } = await choose(tenant.client, await wallet.inviteToMediate())
      assert.equal(serviceOf((await invite(tenant)).message).serviceEndpoint, endpoint)
      await hear(tenant, other, "by the tenant's mediator")
    },
  },
  {
    title: "The peer as the base wallet's mediator; then a handshake and a message by it",
    limits: NO_OPEN_MEDIATION,
    async run(sides) {
      const wallet = await sides.wallet()
      const { endpoint } = await choose(sides.operator, await wallet.inviteToMediate())
      try {
        const [tenant, other] = [await sides.tenant(), await sides.tenant()]
        assert.equal(serviceOf((await invite(tenant)).message).serviceEndpoint, endpoint)
        await hear(tenant, other, "by the base wallet's mediator")
      } finally {
        await sides.operator.ask('mutation { setDefaultMediator { mediationGrant { id } } }')
      }
    },
  },
  {
    title: "A tenant as the peer's mediator; then a handshake and messages by it",
    async run(sides) {
      const [mediator, tenant, wallet] = [await sides.tenant(), await sides.tenant(), await sides.wallet()]
      await mediator.client.ask(
        `mutation($id: ID!) { updateTenant(input: {tenantId: $id, settings: {mediates: true}}) { tenant { id } } }`,
        { id: mediator.id },
      )
      const own = await wallet.receive((await invite(mediator, true)).message)
      await wallet.connected(own)
      const invitation = await wallet.invite(CONNECTIONS, { mediator: await wallet.mediatedBy(own) })
      assert.equal(invitation.services[0].routingKeys.length, 1)
      const connectionId = await receive(tenant, invitation)
      await completed(tenant, connectionId)
      const [theirConnectionId = ''] = await wallet.connectionsOf(invitation)
      await talk({ tenant, wallet, connectionId, theirConnectionId })
    },
  },
]
