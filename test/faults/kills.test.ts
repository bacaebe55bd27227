import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnyEvent, connect, type EventTap, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { assertGapless, assertToldIsTrue, placeOf, readAll, readEvents } from '../support/ledger.js'
import { freePort } from '../support/ports.js'
import { eventually, invite, receive, say } from '../support/talk.js'

/** How often the process is killed on each store, each time with four handshakes under way; `TEST_KILLS` says more. */
const KILLS = { sqlite: Number(process.env['TEST_KILLS'] ?? 12), postgres: Number(process.env['TEST_KILLS'] ?? 4) }
const HANDSHAKES = 4
/** The longest that a round may run before it is cut (ms). */
const CUT_MS = 500

/** A handshake as far as its client has got when the gateway died. */
interface Handshake {
  inviter: TestTenant
  invitee: TestTenant
  invitation?: { id: string; message: unknown }
  connectionId?: string
}

for (const kind of STORES) {
  describe(`kill -9 on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let one: TestTenant
    let other: TestTenant
    let env: Record<string, string>
    let link: { inviter: string; invitee: string }
    const accepted: string[] = []
    const tried: string[] = []

    before(async () => {
      store = await freshStore(kind)
      // Peers know the port, and other instances the name: both are the same after a restart.
      env = { PORT: `${await freePort()}`, SESSIONS_MAX: '8', INSTANCE_ID: 'the-only-one' }
      gateway = await startGateway(store, env)
      one = await makeTenant(gateway.url)
      other = await makeTenant(gateway.url)
      link = await connect(one, other)
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    test(`${KILLS[kind]} times at any moment of handshakes and messages: nothing is lost, made up or stuck`, async () => {
      for (let round = 0; round < KILLS[kind]; round++) {
        const { told, handshakes } = await cutRound(round)
        gateway = await startGateway(store, env)
        await assertAllWasWritten(told)
        for (const handshake of handshakes) await finish(handshake)
      }
      await assertMessages()
      for (const tenant of [one, other]) await assertToldIsTrue(tenant.client)
    })

    /** Kills the gateway in the middle of work. @returns what each was told until then */
    async function cutRound(round: number): Promise<{ told: AnyEvent[][]; handshakes: Handshake[] }> {
      const taps = [await one.client.follow(), await other.client.follow()]
      const handshakes = Array.from(
        { length: HANDSHAKES },
        (_, index): Handshake =>
          index % 2 === 0 ? { inviter: one, invitee: other } : { inviter: other, invitee: one },
      )
      const cutAt = Math.random() * CUT_MS
      const work = Promise.allSettled([
        ...handshakes.map((handshake, index) => shakeHands(handshake, (index * CUT_MS) / HANDSHAKES / 2)),
        talk(round),
      ])
      await sleep(cutAt)
      await gateway.kill()
      await work
      const told = taps.map((tap: EventTap) => tap.events)
      for (const tap of taps) await tap.close()
      return { told, handshakes }
    }

    async function talk(round: number): Promise<void> {
      for (let index = 0; index < 100; index++) {
        const content = `${round}/${index}`
        tried.push(content)
        await say(one.client, link.inviter, content)
        accepted.push(content)
      }
    }

    /** What was told to a client is what the log still says. */
    async function assertAllWasWritten(told: AnyEvent[][]): Promise<void> {
      for (const [index, tenant] of [one, other].entries()) {
        const events = told[index] as AnyEvent[]
        if (events.length === 0) continue
        assertGapless(events)
        const first = placeOf(events[0].cursor)
        const before = Buffer.from(`e1:${first.log}:${first.seq - 1}`).toString('base64url')
        assert.deepEqual((await readEvents(tenant.client, before)).slice(0, events.length), events)
      }
    }

    /** What was accepted came, once and in order. */
    async function assertMessages(): Promise<void> {
      await eventually(async () => {
        const contents = new Set((await readAll(other.client, 'basicMessages')).map(({ content }) => content))
        return accepted.every((content) => contents.has(content))
      })
      const contents = (await readAll(other.client, 'basicMessages')).map(({ content }) => content as string)
      assert.deepEqual(
        contents,
        tried.filter((content) => contents.includes(content)),
      )
    }
  })
}

async function shakeHands(handshake: Handshake, delayMs: number): Promise<void> {
  await sleep(delayMs)
  handshake.invitation = await invite(handshake.inviter)
  handshake.connectionId = await receive(handshake.invitee, handshake.invitation.message)
}

/** Goes on where the client got to; the rest is the gateway's own to do. */
async function finish(handshake: Handshake): Promise<void> {
  const { inviter, invitee } = handshake
  handshake.invitation ??= await invite(inviter)
  const { id, message } = handshake.invitation
  // Whether an unanswered call was carried out, only the wallet knows.
  handshake.connectionId ??= await connectionOf(invitee, message)
  handshake.connectionId ??= await receive(invitee, message)
  const states = await eventually(async () => {
    const [{ connections }, { connection }] = await Promise.all([
      inviter.client.ask('query($id: ID!) { connections(filter: {invitationId: $id}) { nodes { state } } }', { id }),
      invitee.client.ask('query($id: ID!) { connection(id: $id) { state } }', { id: handshake.connectionId }),
    ])
    const found = [connection.state, ...connections.nodes.map(({ state }: { state: string }) => state)]
    return found.length === 2 && found.every((state) => state === 'COMPLETED') ? found : undefined
  })
  assert.deepEqual(states, ['COMPLETED', 'COMPLETED'])
}

/** The connection that a wallet made of an invitation it received. */
async function connectionOf({ client }: TestTenant, message: unknown): Promise<string | undefined> {
  const { invitations } = await client.ask(
    '{ invitations(last: 20, filter: {role: RECEIVER}) { nodes { id message } } }',
  )
  const idOf = (invitation: unknown) => (invitation as { '@id': string })['@id']
  const received = invitations.nodes.find((invitation: AnyEvent) => idOf(invitation.message) === idOf(message))
  if (!received) return undefined
  const query = 'query($id: ID!) { connections(filter: {invitationId: $id}) { nodes { id } } }'
  return (await client.ask(query, { id: received.id })).connections.nodes[0]?.id
}
