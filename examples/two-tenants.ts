/**
 * Two tenants of a running gateway meet. Needs its URL and operator key:
 *
 *     node dist/examples/two-tenants.js http://127.0.0.1:4000 <operator key>
 *
 * or `GATEWAY_URL` and `OPERATOR_KEY` in the environment.
 */
import { fileURLToPath } from 'node:url'
import { describeEvent, shortened } from './describe-event.js'
import type { EventStream } from './event-stream.js'
import { GatewayClient, RefusedError } from './gateway-client.js'
import {
  BasicMessagesDocument,
  ConnectionsDocument,
  CreateDidDocument,
  CreateInvitationDocument,
  CreateTenantDocument,
  DeleteTenantDocument,
  DidsDocument,
  type EventDispatch,
  InvitationsDocument,
  ReceiveInvitationDocument,
  ResolveDidDocument,
  SendBasicMessageDocument,
  SendPingDocument,
  TenantByNameDocument,
  TenantsDocument,
  UpdateTenantDocument,
  ViewerDocument,
} from './generated/operations.js'

/** Prints a line of the story: who, and what. */
export type Say = (who: string, what: string) => void

interface Tenant {
  id: string
  name: string
  client: GatewayClient
  stream: EventStream
}

/** Tells the story. @throws {Error} where it does not go as it should */
export async function twoTenants(url: string, operatorKey: string, say: Say): Promise<void> {
  const operator = new GatewayClient(url, { operatorKey })
  const names = new Map<string, string>()
  const baseStream = (await operator.follow()).onEvent((event) =>
    say('operator', `   « ${names.get(event.tenantId) ?? 'a new tenant'}: ${describeEvent(event)}`),
  )

  const create = async (wish: string, label: string, eventDispatch: EventDispatch): Promise<Tenant> => {
    const name = await freeName(operator, wish)
    const { createTenant } = await operator.ask(CreateTenantDocument, { input: { name, label, eventDispatch } })
    const { id } = createTenant.tenant
    names.set(id, name)
    say('operator', `created the tenant ${name}, and got a token for it`)
    const client = new GatewayClient(url, { token: createTenant.token })
    const stream = (await client.follow()).onEvent((event) => say(name, `   « ${describeEvent(event)}`))
    return { id, name, client, stream }
  }
  const acme = await create('acme', 'Acme Inc.', 'DEFAULT')
  // The operator's stream shows what happens to globex too: it dispatches to both.
  const globex = await create('globex', 'Globex Corp.', 'BOTH')
  const streams = [baseStream, acme.stream, globex.stream]
  try {
    await administer(operator, acme, say)
    await showDids(acme, say)

    say(acme.name, 'invites, by a URL of its own domain')
    const invitation = await invite(acme, 'https://acme.example/meet')
    say(acme.name, shortened(invitation.url))
    say(globex.name, 'receives the URL')
    const globexConnection = await receive(globex, { url: invitation.url })
    const acmeConnection = await bothCompleted(acme, invitation.id, globex, globexConnection)
    say(acme.name, `is connected to ${globex.name}`)

    say(globex.name, 'invites, by a message')
    const second = await invite(globex)
    say(acme.name, 'receives the message')
    await bothCompleted(globex, second.id, acme, await receive(acme, { message: second.message }))
    say(globex.name, `is connected to ${acme.name} once more`)

    await talk({ ...acme, connectionId: acmeConnection }, { ...globex, connectionId: globexConnection }, say)
    streams.push(await missNothing(acme, { ...globex, connectionId: globexConnection }, say))
    await readPages(acme, say)
    await deleteTenants(operator, baseStream, [acme, globex], say)
  } finally {
    await Promise.all(streams.map((stream) => stream.stop()))
  }
}

/** The name itself, or one like it where it is taken. */
export async function freeName(operator: GatewayClient, wish: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wish : `${wish}-${number}`
    const { tenant } = await operator.ask(TenantByNameDocument, { name })
    if (!tenant) return name
  }
}

async function administer(operator: GatewayClient, { id, name, client, stream }: Tenant, say: Say): Promise<void> {
  const { tenants } = await operator.ask(TenantsDocument, { first: 100 })
  say('operator', `lists its tenants: ${tenants.edges.map(({ node }) => node.name).join(', ')}`)
  const { tenant } = await operator.ask(TenantByNameDocument, { name })
  say('operator', `finds ${name} by its name: ${tenant?.id}, ${tenant?.state}`)
  const input = { tenantId: id, label: 'Acme International', imageUrl: 'https://acme.example/logo.png' }
  const { updateTenant } = await operator.ask(UpdateTenantDocument, { input })
  say('operator', `gives ${name} the label "${updateTenant.tenant.label}" and a picture`)
  await stream.until('the change', (event) => event.__typename === 'TenantEvent' && event.change === 'UPDATED')
  const { viewer } = await client.ask(ViewerDocument, {})
  say(name, `asks who it is: ${viewer.role} ${viewer.tenant?.name}, with ${viewer.token?.scopes.join(', ')}`)
}

async function showDids({ name, client }: Tenant, say: Say): Promise<void> {
  for (const method of ['key', 'peer']) {
    const { createDid } = await client.ask(CreateDidDocument, { input: { method } })
    const { did } = createDid.did
    say(name, `made ${shortened(did)}`)
    const { resolveDid } = await client.ask(ResolveDidDocument, { did })
    const { keyAgreement, service } = resolveDid.document as { keyAgreement?: unknown[]; service?: unknown[] }
    say(name, `resolved it: ${keyAgreement?.length ?? 0} key agreement, ${service?.length ?? 0} service`)
  }
}

async function invite({ client }: Tenant, domain?: string) {
  const { createInvitation } = await client.ask(CreateInvitationDocument, { input: { domain } })
  return createInvitation.invitation
}

/** @returns the id of the connection that the invitation opens */
async function receive({ client }: Tenant, input: { url: string } | { message: unknown }): Promise<string> {
  const { receiveInvitation } = await client.ask(ReceiveInvitationDocument, { input })
  if (!receiveInvitation.connection) throw new Error('The invitation opened no connection')
  return receiveInvitation.connection.id
}

/** Waits for both sides. @returns the inviter's connection */
async function bothCompleted(inviter: Tenant, invitationId: string, invitee: Tenant, connectionId: string) {
  const [own] = await Promise.all([
    inviter.stream.until(
      `${inviter.name}'s connection`,
      (event) =>
        event.__typename === 'ConnectionEvent' &&
        event.connection.state === 'COMPLETED' &&
        event.connection.invitationId === invitationId,
    ),
    invitee.stream.until(
      `${invitee.name}'s connection`,
      (event) =>
        event.__typename === 'ConnectionEvent' &&
        event.connection.state === 'COMPLETED' &&
        event.connection.id === connectionId,
    ),
  ])
  return own.__typename === 'ConnectionEvent' ? own.connection.id : ''
}

type Connected = Tenant & { connectionId: string }

async function talk(acme: Connected, globex: Connected, say: Say): Promise<void> {
  say(globex.name, 'says hello')
  const input = { connectionId: globex.connectionId, content: 'Hello Acme, this is Globex.' }
  await globex.client.ask(SendBasicMessageDocument, { input })
  await acme.stream.until('the message', isReceived(input.content))

  say(acme.name, 'pings')
  const { sendPing } = await acme.client.ask(SendPingDocument, { connectionId: acme.connectionId })
  await acme.stream.until(
    'the answer to the ping',
    (event) => event.__typename === 'PingEvent' && event.threadId === sendPing.threadId,
  )
}

/** What came while nobody looked is told to whoever goes on from the last cursor. @returns the new stream */
async function missNothing(acme: Tenant, globex: Connected, say: Say): Promise<EventStream> {
  await acme.stream.stop()
  say(acme.name, 'is offline')
  const input = { connectionId: globex.connectionId, content: 'Are you there?' }
  await globex.client.ask(SendBasicMessageDocument, { input })
  say(globex.name, 'writes meanwhile')
  const stream = await acme.client.follow(acme.stream.cursor)
  say(acme.name, 'is back, and goes on after the last event it saw')
  stream.onEvent((event) => say(acme.name, `   « ${describeEvent(event)}`))
  await stream.until('the message missed', isReceived(input.content))
  return stream
}

function isReceived(content: string) {
  return (event: Parameters<typeof describeEvent>[0]) =>
    event.__typename === 'BasicMessageEvent' && event.message.role === 'RECEIVER' && event.message.content === content
}

async function readPages({ name, client }: Tenant, say: Say): Promise<void> {
  const { connections } = await client.ask(ConnectionsDocument, { first: 1 })
  const next = await client.ask(ConnectionsDocument, { first: 1, after: connections.pageInfo.endCursor })
  const states = [connections, next.connections].flatMap(({ edges }) => edges.map(({ node }) => node.state))
  say(name, `reads its connections, a page of one each: ${states.join(', ')}`)
  const { invitations } = await client.ask(InvitationsDocument, {})
  say(name, `reads its invitations: ${invitations.edges.map(({ node }) => `${node.role} ${node.state}`).join(', ')}`)
  const { basicMessages } = await client.ask(BasicMessagesDocument, {})
  say(name, `reads its messages: ${basicMessages.edges.map(({ node }) => `"${node.content}"`).join(', ')}`)
  const { dids } = await client.ask(DidsDocument, {})
  say(name, `reads its DIDs: ${dids.edges.map(({ node }) => `did:${node.method}`).join(', ')}`)
}

async function deleteTenants(operator: GatewayClient, baseStream: EventStream, tenants: Tenant[], say: Say) {
  for (const { id, name, client } of tenants) {
    await operator.ask(DeleteTenantDocument, { input: { tenantId: id } })
    say('operator', `deleted ${name}`)
    await baseStream.until(
      `${name}'s end`,
      (event) => event.__typename === 'TenantEvent' && event.change === 'DELETED' && event.tenantId === id,
    )
    const refused = await client.ask(ViewerDocument, {}).catch((error: unknown) => error)
    if (!(refused instanceof RefusedError)) throw new Error(`The token of ${name} still holds`)
    say(name, `its token does not hold any more: ${refused.code}`)
  }
}

/** Prints the story as it happens. */
export const tell: Say = (who, what) => console.log(`${who.padEnd(10)} ${what}`)

async function main(): Promise<void> {
  const url = process.argv[2] ?? process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:4000'
  const operatorKey = process.argv[3] ?? process.env['OPERATOR_KEY']
  if (!operatorKey) {
    console.error('usage: node dist/examples/two-tenants.js <url> <operator key>')
    process.exitCode = 2
    return
  }
  await twoTenants(url.replace(/\/$/, ''), operatorKey, tell)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
