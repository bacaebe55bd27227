import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { base58Encode } from '../../src/lib/base58.js'
import { type CliRun, runCli } from '../support/cli.js'
import { ApiClient, makeTenant, type TestTenant } from '../support/client.js'
import {
  freshStore,
  OPERATOR_KEY,
  type StoreKind,
  startGateway,
  type TestGateway,
  type TestStore,
} from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { freshDatabase, tempDir } from '../support/services.js'
import { type StockAgent, type StockStore, startStockAgent } from '../support/stock-agent.js'
import { eventually, receive, say } from '../support/talk.js'

const MESSAGES = '{ basicMessages(first: 50) { nodes { content role connectionId } } }'
const CONNECTIONS = '{ connections(first: 10) { nodes { id state alias theirLabel } } }'

interface Message {
  content: string
  role: string
  connectionId: string
}

const messagesOf = async (client: ApiClient): Promise<Message[]> => (await client.ask(MESSAGES)).basicMessages.nodes

/** The message of a tenant with this text, once it is there. */
const heard = (client: ApiClient, content: string): Promise<Message> =>
  eventually(async () => (await messagesOf(client)).find((message) => message.content === content))

/** Accepts an invitation. @returns the id of the connection, once it is complete */
async function connected(invitee: TestTenant, message: unknown): Promise<string> {
  const id = await receive(invitee, message)
  await eventually(async () => {
    const { connection } = await invitee.client.ask('query($id: ID!) { connection(id: $id) { state } }', { id })
    return connection.state === 'COMPLETED'
  })
  return id
}

/** Where an agent on Credo has its wallet, and how the command is told so. */
interface Source {
  store: StockStore
  options: string[]
  remove(): Promise<void> | void
}

async function source(kind: StoreKind): Promise<Source> {
  if (kind === 'sqlite') {
    const folder = tempDir()
    const path = join(folder.path, 'credo', 'sqlite.db')
    const store: StockStore = {
      id: 'an-agent',
      key: 'a passphrase',
      keyDerivationMethod: 'kdf:argon2i:int',
      database: { type: 'sqlite', config: { path } },
    }
    const options = ['--store', path, '--store-key-derivation', 'ARGON2I_INT']
    return { store, options, remove: () => folder.remove() }
  }
  // Credo makes the database itself.
  const database = await freshDatabase()
  await database.drop()
  const { host, username, password, pathname } = new URL(database.url)
  const store: StockStore = {
    id: pathname.slice(1),
    key: base58Encode(Buffer.alloc(32, 7)),
    keyDerivationMethod: 'raw',
    database: { type: 'postgres', config: { host }, credentials: { account: username, password } },
  }
  return { store, options: ['--store', database.url, '--store-key-derivation', 'RAW'], remove: database.drop }
}

const WAYS: { from: StoreKind; to: StoreKind }[] = [
  { from: 'sqlite', to: 'postgres' },
  { from: 'postgres', to: 'sqlite' },
]

describe('tenantry tenant import-credo', () => {
  let peers: { store: TestStore; gateway: TestGateway }

  before(async () => {
    const store = await freshStore('sqlite')
    peers = { store, gateway: await startGateway(store) }
  })
  after(async () => {
    await peers?.gateway.stop()
    await peers?.store.remove()
  })

  for (const { from, to } of WAYS) {
    test(`takes a stock agent over from ${from} to ${to}: its peers go on with it at its old endpoint`, async () => {
      const [credo, store, port] = [await source(from), await freshStore(to), await freePort()]
      const [first, second, third] = (await Promise.all(
        ['first', 'second', 'third'].map((label) => makeTenant(peers.gateway.url, { label })),
      )) as [TestTenant, TestTenant, TestTenant]
      let agent: StockAgent | undefined
      let gateway: TestGateway | undefined
      try {
        agent = await startStockAgent(credo.store, port)
        const { connections, basicMessages, oob } = agent.modules.didcomm
        const { outOfBandInvitation } = await oob.createInvitation({ multiUseInvitation: true, label: 'A stock agent' })
        const open = outOfBandInvitation.toJSON()
        const firstId = await connected(first, open)
        await say(first.client, firstId, 'one')
        await eventually(async () => (await basicMessages.findAllByQuery({})).length === 1)
        const { createInvitation } = await second.client.ask(
          'mutation { createInvitation(input: {}) { invitation { url } } }',
        )
        const { connectionRecord } = await oob.receiveInvitationFromUrl(createInvitation.invitation.url, {
          label: 'A stock agent',
          alias: 'the second',
        })
        const { id: secondId } = await connections.returnWhenIsConnected(connectionRecord?.id ?? '')
        await basicMessages.sendMessage(secondId, 'two')
        const { connectionId: fromSecond } = await heard(second.client, 'two')
        const [{ id: oldFirstId } = { id: '' }] = (await connections.getAll()).filter(({ id }) => id !== secondId)
        await basicMessages.sendMessage(oldFirstId, 'three')
        await heard(first.client, 'three')
        await agent.shutdown()
        agent = undefined

        gateway = await startGateway(store, { PORT: `${port}` })
        const run = await importCredo(gateway, credo.store.key, [...credo.options, '--name', 'taken over'])
        assert.equal(run.code, 0, run.stderr)
        const token = /^Token, shown once: (\S+)$/m.exec(run.stdout)?.[1] as string
        const client = new ApiClient(gateway.url, { token })
        const { connections: listed } = await client.ask(CONNECTIONS)
        assert.deepEqual(listed.nodes, [
          { id: oldFirstId, state: 'COMPLETED', alias: null, theirLabel: 'first' },
          { id: secondId, state: 'COMPLETED', alias: 'the second', theirLabel: 'second' },
        ])
        assert.deepEqual(await messagesOf(client), [
          { content: 'one', role: 'RECEIVER', connectionId: oldFirstId },
          { content: 'two', role: 'SENDER', connectionId: secondId },
          { content: 'three', role: 'SENDER', connectionId: oldFirstId },
        ])
        const { connections: named, invitations } = await client.ask(
          '{ connections(filter: {alias: "the second"}) { nodes { id } } invitations { nodes { role } } }',
        )
        assert.deepEqual(named.nodes, [{ id: secondId }])
        assert.deepEqual(invitations.nodes, [{ role: 'SENDER' }, { role: 'RECEIVER' }])

        // Both ways, over connections that it made and that it was invited to.
        await say(first.client, firstId, 'four')
        assert.equal((await heard(client, 'four')).connectionId, oldFirstId)
        await say(second.client, fromSecond, 'five')
        assert.equal((await heard(client, 'five')).connectionId, secondId)
        await say(client, oldFirstId, 'six')
        assert.equal((await heard(first.client, 'six')).connectionId, firstId)
        await say(client, secondId, 'seven')
        assert.equal((await heard(second.client, 'seven')).connectionId, fromSecond)
        // And whoever has an invitation of it can come still.
        const thirdId = await connected(third, open)
        await say(third.client, thirdId, 'eight')
        assert.notEqual((await heard(client, 'eight')).connectionId, oldFirstId)
        assert.equal((await client.ask(CONNECTIONS)).connections.nodes.at(-1).theirLabel, 'third')

        const again = await importCredo(gateway, credo.store.key, [...credo.options, '--name', 'a twin'])
        assert.equal(again.code, 1)
        assert.match(again.stderr, /CONFLICT/)
      } finally {
        await agent?.shutdown()
        await gateway?.stop()
        await Promise.all([store.remove(), credo.remove()])
      }
    })
  }

  for (const kind of ['sqlite', 'postgres'] as const) {
    test(`says in one line what is wrong with a store in ${kind}, and makes nothing`, async () => {
      const [credo, folder, database] = [await source(kind), tempDir(), await freshDatabase()]
      try {
        const agent = await startStockAgent(credo.store, await freePort())
        await agent.shutdown()
        const nothing = join(folder.path, 'nothing')
        writeFileSync(join(folder.path, 'other'), 'no store at all')
        const { key } = credo.store
        const [, where = '', ...how] = credo.options
        const bad: [string, string[], RegExp][] = [
          [base58Encode(Buffer.alloc(32, 8)), credo.options, /The key does not open this store/],
          ['no key', ['--store', where, '--store-key-derivation', 'RAW'], /The key does not open this store/],
          [key, [...credo.options, '--profile', 'nobody'], /There is no profile nobody/],
          kind === 'sqlite'
            ? [key, ['--store', join(folder.path, 'other'), ...how], /is no store of Askar/]
            : [key, ['--store', database.url, ...how], /no store of Askar in this database/],
          [key, ['--store', nothing, ...how], /nothing cannot be read \(ENOENT\)/],
        ]
        for (const [given, options, line] of bad) {
          const run = await importCredo(peers.gateway, given, [...options, '--name', 'never'])
          assert.equal(run.code, 1)
          assert.match(run.stderr, line)
          assert.match(run.stderr, /^[^\n]+\n$/)
          assert.ok(!run.stderr.includes(key))
        }
        const { tenant } = await ApiClient.operator(peers.gateway.url).ask('{ tenant(name: "never") { id } }')
        assert.equal(tenant, null)
      } finally {
        folder.remove()
        await Promise.all([credo.remove(), database.drop()])
      }
    })
  }
})

function importCredo({ url }: TestGateway, key: string, options: string[]): Promise<CliRun> {
  return runCli(['tenant', 'import-credo', '--url', url, ...options], { OPERATOR_KEY, CREDO_STORE_KEY: key })
}
