import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Sqlite from 'libsql'
import { loadAskar } from '../../src/askar/index.js'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { eventually } from '../support/talk.js'
import { type Archive, contentOf, exportTenant, importTenant, packed } from './archives.js'

type Content = Awaited<ReturnType<typeof contentOf>>

describe('archives that somebody has made by hand', () => {
  let store: TestStore
  let gateway: TestGateway
  let operator: ApiClient
  let content: Content
  let folder: string

  before(async () => {
    await loadAskar({ binding: 'koffi' })
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    operator = ApiClient.operator(gateway.url)
    folder = mkdtempSync(join(tmpdir(), 'tenantry-crafted-'))
    const tenant = await makeTenant(gateway.url)
    await connect(tenant, await makeTenant(gateway.url))
    content = await contentOf(await exportTenant(operator, { tenantId: tenant.id }))
    await operator.ask('mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }', {
      id: tenant.id,
    })
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
    rmSync(folder, { recursive: true })
  })

  const codeOf = async (archive: Archive) => (await importTenant(operator, archive)).errors?.[0]?.extensions.code

  function withStore(changed: Buffer<ArrayBuffer>): Content {
    const { manifest, queue } = content
    const sha256 = createHash('sha256').update(changed).digest('hex')
    return {
      manifest: { ...manifest, store: { ...manifest.store, bytes: changed.length, sha256 } },
      queue,
      store: changed,
    }
  }

  test('cost no more than what an archive can hold', async () => {
    const { manifest, ...rest } = content
    // What is not known of a manifest is passed over, but is read.
    const many = { ...manifest, more: new Array(5_000_000).fill(0) }
    assert.equal(await codeOf(await packed({ manifest: many, ...rest })), 'BAD_USER_INPUT')
    const other = { ...manifest, recipientKeys: new Array(1_000_000).fill(0) as string[] }
    assert.equal(await codeOf(await packed({ manifest: other, ...rest })), 'BAD_USER_INPUT')
  })

  test('are held to what is asked of a tenant that is made', async () => {
    const { manifest, ...rest } = content
    const described: object[] = [
      { name: 'two\u0000names' },
      { label: '' },
      { groupId: 'a\nb' },
      { imageUrl: 'file:///x' },
    ]
    for (const description of described) {
      const tenant = { ...manifest.tenant, ...description }
      assert.equal(await codeOf(await packed({ manifest: { ...manifest, tenant }, ...rest })), 'BAD_USER_INPUT')
    }
  })

  test('have nothing but tables in their store', async () => {
    for (const sql of [
      'ALTER TABLE items RENAME TO others; CREATE VIEW items AS SELECT * FROM others',
      'CREATE TRIGGER more AFTER INSERT ON items BEGIN DELETE FROM items; END',
    ]) {
      const file = join(folder, `${randomBytes(8).toString('hex')}.db`)
      writeFileSync(file, content.store)
      const db = new Sqlite(file)
      db.exec(`PRAGMA journal_mode = DELETE; ${sql}`)
      db.close()
      assert.equal(await codeOf(await packed(withStore(readFileSync(file)))), 'BAD_USER_INPUT')
    }
    assert.equal(await codeOf(await packed(withStore(Buffer.from('no store')))), 'BAD_USER_INPUT')
  })

  test('are counted here', async () => {
    const { readHead, writeHead } = await import('../../src/storage/rows.js')
    const { TravelStores } = await import('../../src/storage/travel-stores.js')
    const stores = new TravelStores(folder, 'crafted', async () => true)
    async function* bytes() {
      yield content.store
    }
    const name = await stores.receive(bytes())
    await stores.use({ name, key: content.manifest.store.key }, (sessions, profile) =>
      sessions.transaction(profile, async (session) => {
        const head = await readHead(session, true)
        await writeHead(session, head.rev, {
          ...head,
          rev: head.rev + 1,
          bytes: -1e12,
          counts: { ConnectionRecord: -1000 },
        })
      }),
    )
    const parts: Buffer[] = []
    for await (const part of stores.read(name)) parts.push(part as Buffer)
    await stores.close()
    const { data } = await importTenant(operator, await packed(withStore(Buffer.concat(parts))))
    const moved = new ApiClient(gateway.url, { token: data?.token })
    await moved.ask('{ connections { nodes { id } } }')
    const { usage } = await moved.ask('{ usage { storageBytes connections } }')
    assert.ok(usage.storageBytes > 0)
    assert.equal(usage.connections, 1)
  })
})

describe('archives that are not fetched to their end', () => {
  let store: TestStore
  let gateway: TestGateway
  let operator: ApiClient
  let tenant: TestTenant

  before(async () => {
    store = await freshStore('sqlite')
    gateway = await startGateway(store)
    operator = ApiClient.operator(gateway.url)
    tenant = await makeTenant(gateway.url)
  })
  after(async () => {
    await gateway?.stop()
    await store?.remove()
  })

  const order = async () => {
    const mutation = 'mutation($input: ExportTenantInput!) { exportTenant(input: $input) { url } }'
    return (await operator.ask(mutation, { input: { tenantId: tenant.id } })).exportTenant.url as string
  }

  const openFiles = () =>
    readdirSync(`/proc/${gateway.process.pid}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${gateway.process.pid}/fd/${fd}`).includes('travelling')
      } catch {
        return false
      }
    })

  test('leave no file open', async () => {
    for (let count = 0; count < 3; count++) {
      const gone = new AbortController()
      await fetch(await order(), { headers: operator.headers, signal: gone.signal })
      gone.abort()
    }
    await eventually(async () => openFiles().length === 0)
  })

  test('are still there for whoever has only asked for their head', async () => {
    const url = await order()
    const { headers } = operator
    assert.equal((await fetch(url, { method: 'HEAD', headers })).status, 405)
    const { status, body } = await fetch(url, { headers })
    assert.equal(status, 200)
    await body?.cancel()
  })
})
