import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { base58Decode } from '../../src/lib/base58.js'
import { deferred } from '../../src/lib/deferred.js'
import { ApiClient, connect, makeOperatorKey, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually, say } from '../support/talk.js'
import { type Archive, contentOf, exportTenant, importTenant, newKey, orderImport, packed } from './archives.js'
import { type RawStore, rawStoreOf } from './raw-store.js'

const EXPORT = 'mutation($input: ExportTenantInput!) { exportTenant(input: $input) { url } }'
const IMPORT = 'mutation($input: ImportTenantInput!) { importTenant(input: $input) { url } }'
const KILLS = 3

describe('archives of tenants', () => {
  let store: TestStore
  let gateway: TestGateway
  let operator: ApiClient
  let tenant: TestTenant
  let peer: TestTenant
  let ids: { inviter: string; invitee: string }
  let archive: Archive

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    operator = ApiClient.operator(gateway.url)
    tenant = await makeTenant(gateway.url, { label: 'A label of its own' })
    peer = await makeTenant(gateway.url)
    ids = await connect(tenant, peer)
    await say(tenant.client, ids.inviter, 'something that nobody else is to read')
    for (let made = 0; made < 100; made++) {
      await tenant.client.ask('mutation { createInvitation(input: {}) { invitation { id } } }')
    }
    archive = await exportTenant(operator, { tenantId: tenant.id })
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  test('show nothing of the tenant without the export key', async () => {
    const { connection } = await tenant.client.ask('query($id: ID!) { connection(id: $id) { did theirDid } }', {
      id: ids.inviter,
    })
    const { manifest } = await contentOf(archive)
    assert.ok(manifest.recipientKeys.length > 100 && manifest.entries > 200)
    const words = [
      ...[
        tenant.id,
        tenant.name,
        'A label of its own',
        'something that nobody else',
        connection.did,
        connection.theirDid,
      ],
      ...[
        manifest.recipientKeys[0] as string,
        manifest.store.key,
        archive.exportKey,
        'SQLite format 3',
        'ConnectionRecord',
      ],
    ]
    for (const word of words) {
      for (const form of [Buffer.from(word), Buffer.from(Buffer.from(word).toString('base64').slice(0, -4))]) {
        assert.equal(archive.bytes.indexOf(form), -1)
      }
    }
    assert.equal(archive.bytes.indexOf(base58Decode(archive.exportKey)), -1)
  })

  test('are made once for each order, and only for operators with ALL', async () => {
    const { exportTenant } = await operator.ask(EXPORT, { input: { tenantId: tenant.id } })
    const status = async (headers: Record<string, string>, url = exportTenant.url) =>
      (await fetch(url, { headers })).status
    const { client } = await makeOperatorKey(gateway.url, ['TENANTS'])
    assert.equal(await client.codeOf(EXPORT, { input: { tenantId: tenant.id } }), 'FORBIDDEN')
    assert.equal(await status({}), 401)
    assert.equal(await status(client.headers), 403)
    assert.equal(await status(tenant.client.headers), 403)
    assert.equal(await status(operator.headers, `${gateway.url}/exports/${randomBytes(32).toString('base64url')}`), 404)
    // An order for an archive is none to take one in.
    const taken = await fetch(exportTenant.url.replace('exports', 'imports'), {
      method: 'POST',
      headers: operator.headers,
    })
    assert.equal(taken.status, 404)
    assert.equal(await status(operator.headers), 200)
    assert.equal(await status(operator.headers), 404)
    const nobody = { tenantId: '00000000-0000-4000-8000-000000000000' }
    assert.equal(await operator.codeOf(EXPORT, { input: nobody }), 'NOT_FOUND')
  })

  test('of a locked wallet need its key, and leave it locked', async () => {
    const key = newKey()
    const own = await makeTenant(gateway.url, { keyMode: 'UNMANAGED', walletKey: key })
    await own.client.ask('mutation { createInvitation(input: {}) { invitation { id } } }')
    await own.client.ask('mutation { lockWallet { tenant { state } } }')
    assert.equal(await operator.codeOf(EXPORT, { input: { tenantId: own.id } }), 'BAD_USER_INPUT')
    assert.equal(await operator.codeOf(EXPORT, { input: { tenantId: own.id, walletKey: newKey() } }), 'BAD_USER_INPUT')
    const sealed = await exportTenant(operator, { tenantId: own.id, walletKey: key })
    assert.equal(await own.client.codeOf('{ invitations { nodes { id } } }'), 'TENANT_LOCKED')
    await operator.ask(
      'mutation($id: ID!, $key: String!) { deleteTenant(input: {tenantId: $id, walletKey: $key}) { deletedTenantId } }',
      { id: own.id, key },
    )
    const walletKey = newKey()
    const answer = await importTenant(operator, sealed, { keyMode: 'UNMANAGED', walletKey })
    assert.equal(answer.data?.tenant.walletStorage, 'STORE')
    const moved = new ApiClient(gateway.url, { token: answer.data?.token })
    assert.equal((await moved.ask('{ invitations { nodes { id } } }')).invitations.nodes.length, 1)
    await moved.ask('mutation { lockWallet { tenant { state } } }')
    const unlock = 'mutation($key: String!) { unlockWallet(walletKey: $key) { tenant { state } } }'
    assert.equal(await moved.codeOf(unlock, { key }), 'BAD_USER_INPUT')
    await moved.ask(unlock, { key: walletKey })
  })

  test('are refused where the tenant, or one of its keys, is here', async () => {
    assert.equal((await importTenant(operator, archive)).errors?.[0]?.extensions.code, 'CONFLICT')
    const { manifest, ...rest } = await contentOf(archive)
    const other = {
      ...manifest,
      tenant: { ...manifest.tenant, id: '11111111-1111-4111-8111-111111111111', name: 'other' },
    }
    const twin = await packed({ manifest: other, ...rest })
    assert.equal((await importTenant(operator, twin)).errors?.[0]?.extensions.code, 'CONFLICT')
    assert.equal((await operator.ask('{ tenant(name: "other") { id } }')).tenant, null)
    // Its keys still lead to it.
    await say(peer.client, ids.invitee, 'still there')
    await eventually(async () => {
      const { basicMessages } = await tenant.client.ask('{ basicMessages(last: 1) { nodes { content } } }')
      return basicMessages.nodes[0].content === 'still there'
    })
    assert.equal(
      await operator.codeOf(IMPORT, { input: { exportKey: archive.exportKey, name: tenant.name } }),
      'CONFLICT',
    )
    assert.equal(await operator.codeOf(IMPORT, { input: { exportKey: 'no key' } }), 'BAD_USER_INPUT')
  })

  for (const kind of STORES) {
    describe(`on ${kind}`, () => {
      let target: TestStore
      const env = { INSTANCE_ID: 'alone' }

      before(async () => {
        target = await freshStore(kind)
        const there = await startGateway(target, env)
        // That a key was used is noted.
        await ApiClient.operator(there.url).ask('{ viewer { role } }')
        await there.stop()
      })
      after(() => target?.remove())

      test('that were changed, cut off, or are under another key are refused and leave nothing', async () => {
        const nothing = await rawStoreOf(target)
        let orders = 0
        const there = await startGateway(target, env)
        try {
          const client = ApiClient.operator(there.url)
          const { bytes, exportKey } = archive
          const changed = (at: number) => {
            const copy = Buffer.from(bytes)
            copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
            return copy
          }
          const { manifest, ...rest } = await contentOf(archive)
          const bad: [string, Archive][] = [
            ['another key', { bytes, exportKey: newKey() }],
            ...[0, 20, 40, 70_000, bytes.length - 1].map((at): [string, Archive] => [
              `a change at ${at}`,
              { bytes: changed(at), exportKey },
            ]),
            ...[0, 10, 5000, 32 + 65_552, bytes.length - 1].map((end): [string, Archive] => [
              `cut off at ${end}`,
              { bytes: bytes.subarray(0, end), exportKey },
            ]),
            ['more than all', { bytes: Buffer.concat([bytes, Buffer.alloc(1)]), exportKey }],
            [
              'a wrong checksum',
              await packed({ manifest: { ...manifest, store: { ...manifest.store, sha256: '' } }, ...rest }),
            ],
            [
              'a manifest without a name',
              await packed({ manifest: { ...manifest, tenant: {} as typeof manifest.tenant }, ...rest }),
            ],
            ['a later format', await packed({ manifest: { ...manifest, format: 2 }, ...rest })],
          ]
          for (const [what, sent] of bad) {
            const answer = await importTenant(client, sent)
            assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT', what)
            assert.equal(answer.status, 400, what)
          }
          await abandonUpload(client, archive)
          orders = bad.length + 1
          assert.equal(
            (await client.ask('{ tenants { totalCount } }').catch(() => ({ tenants: {} }))).tenants.totalCount ?? 0,
            0,
          )
        } finally {
          await there.stop()
        }
        assert.deepEqual(await rawStoreOf(target), { ...nothing, ...withOrders(nothing, orders) })
      })

      test('leave nothing where a kill -9 cuts their import, or are a tenant', async () => {
        const nothing = await rawStoreOf(target)
        const travelling = join(target.env['DATA_DIR'] as string, 'travelling')
        for (let kill = 1; kill <= KILLS; kill++) {
          const first = await startGateway(target, env)
          try {
            const walletStorage = kill % 2 === 0 ? 'PROFILE' : 'STORE'
            // The rest comes once the beginning lies there, so that the kill falls into what follows it.
            const cameIn = async () => existsSync(travelling) && readdirSync(travelling, { recursive: true }).length > 1
            const sending = sendInHalves(ApiClient.operator(first.url), archive, { walletStorage }, cameIn)
            await Promise.race([sending.sent, sending.answered])
            await sleep((kill - 1) * 60)
            await first.kill()
            await sending.answered
          } finally {
            await first.kill()
          }
          const there = await startGateway(target, env)
          const { tenant: made } = await ApiClient.operator(there.url).ask(
            'query($id: ID!) { tenant(id: $id) { state } }',
            { id: tenant.id },
          )
          await there.stop()
          const { items, ...left } = await rawStoreOf(target)
          if (made) {
            assert.equal(made.state, 'ACTIVE')
            assert.equal(left.profiles + left.stores.length, nothing.profiles + 1)
            return
          }
          // Neither wallet nor tenant, routes or notes, which have tags; at most tickets that nobody came with in time.
          const { items: before, tags } = withOrders(nothing, kill)
          const { profiles, stores, files } = nothing
          assert.deepEqual(left, { profiles, stores, files, tags })
          assert.ok(items <= before + kill)
        }
      })
    })
  }
})

/** The audit log has each order, found by its action, who gave it and its place. */
const withOrders = ({ items, tags }: RawStore, orders: number) => ({ items: items + orders, tags: tags + 3 * orders })

/** Sends an archive, its second half as soon as `mayGoOn`. */
function sendInHalves(
  operator: ApiClient,
  { bytes, exportKey }: Archive,
  input: Record<string, unknown>,
  mayGoOn: () => Promise<boolean>,
): { sent: Promise<void>; answered: Promise<void> } {
  const { promise: sent, resolve } = deferred()
  async function* halves() {
    const half = Math.ceil(bytes.length / 2)
    yield new Uint8Array(bytes.subarray(0, half))
    await eventually(mayGoOn)
    yield new Uint8Array(bytes.subarray(half))
    resolve()
  }
  const send = async () => {
    const url = await orderImport(operator, { exportKey, ...input })
    const answer = await fetch(url, {
      method: 'POST',
      headers: operator.headers,
      body: halves(),
      duplex: 'half',
    } as RequestInit)
    await answer.text()
  }
  return { sent, answered: send().catch(() => {}) }
}

/** Sends half of an archive, and goes away. */
async function abandonUpload(operator: ApiClient, { bytes, exportKey }: Archive): Promise<void> {
  const url = await orderImport(operator, { exportKey })
  const gone = new AbortController()
  async function* half() {
    yield new Uint8Array(bytes.subarray(0, bytes.length / 2))
    setTimeout(() => gone.abort(), 100)
    await sleep(5000, undefined, { signal: gone.signal }).catch(() => {})
  }
  const sending = fetch(url, {
    method: 'POST',
    headers: operator.headers,
    body: half(),
    duplex: 'half',
    signal: gone.signal,
  } as RequestInit)
  await assert.rejects(sending)
  await sleep(300)
}
