import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runWorkers } from '../../bench/workers.js'
import { ApiClient, makeTenant, type TestTenant, uniqueName } from '../support/client.js'
import { freshStore, STORES, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { inBaseWallet, lowerFormat } from '../support/stored.js'
import { at, makeUnmanaged, type UnmanagedTenant, unlock } from '../tenancy/unmanaged.js'

const LIST = `query($first: Int, $after: String, $last: Int, $before: String, $filter: TenantFilter) {
  tenants(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`
const SUSPEND = 'mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { state } } }'
const RESUME = 'mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { state } } }'

/** More than are looked at one by one: `storage/list.ts`. */
const MANY = 230

for (const kind of STORES) {
  describe(`tenants by filter on ${kind}`, () => {
    let store: TestStore
    let gateway: TestGateway
    let operator: ApiClient
    const common = uniqueName('label')
    const group = uniqueName('group')
    const tenants: Record<'first' | 'suspended' | 'resumed' | 'locked' | 'grouped' | 'last', TestTenant> = Object()
    let unmanaged: UnmanagedTenant

    before(async () => {
      store = await freshStore(kind)
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      tenants.first = await makeTenant(gateway.url)
      tenants.suspended = await makeTenant(gateway.url)
      tenants.resumed = await makeTenant(gateway.url)
      unmanaged = await makeUnmanaged(gateway.url)
      tenants.locked = await makeUnmanaged(gateway.url)
      tenants.grouped = await makeTenant(gateway.url, { groupId: group, label: common })
      await runWorkers(8, MANY, async () => void (await makeTenant(gateway.url, { label: common })))
      tenants.last = await makeTenant(gateway.url)
      for (const { id } of [tenants.suspended, tenants.resumed]) await operator.ask(SUSPEND, { id })
      await operator.ask(RESUME, { id: tenants.resumed.id })
      await tenants.locked.client.ask('mutation { lockWallet { tenant { state } } }')
    })
    after(async () => {
      await gateway?.stop()
      await store?.remove()
    })

    const page = async (variables: object) => (await operator.ask(LIST, variables)).tenants
    const walk = async (filter: object, back: boolean): Promise<string[]> => {
      const ids: string[] = []
      for (let cursor: string | null = null; ; ) {
        const stretch: object = back ? { last: 100, before: cursor } : { first: 100, after: cursor }
        const { nodes, pageInfo } = await page({ ...stretch, filter })
        const found = nodes.map(({ id }: { id: string }) => id)
        ids.splice(back ? 0 : ids.length, 0, ...found)
        if (!(back ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return ids
        cursor = back ? pageInfo.startCursor : pageInfo.endCursor
      }
    }
    const all = (filter: object) => walk(filter, false)
    const fromEnd = (filter: object) => walk(filter, true)
    const idsOf = (...names: (keyof typeof tenants)[]) => names.map((name) => tenants[name].id)

    async function assertFound(): Promise<void> {
      const everyone = await all({})
      assert.equal(everyone.length, MANY + 7)
      const without = (...ids: string[]) => everyone.filter((id) => !ids.includes(id))
      const [suspended, locked] = [idsOf('suspended'), idsOf('locked')]
      assert.deepEqual(await all({ state: 'SUSPENDED' }), suspended)
      assert.deepEqual(await all({ state: 'LOCKED' }), locked)
      assert.deepEqual(await all({ state: 'DELETING' }), [])
      assert.deepEqual(await all({ state: 'ACTIVE' }), without(...suspended, ...locked))
      assert.deepEqual(await all({ keyMode: 'UNMANAGED' }), [unmanaged.id, ...locked])
      assert.deepEqual(await all({ keyMode: 'MANAGED' }), without(unmanaged.id, ...locked))
      assert.deepEqual(await all({ keyMode: 'UNMANAGED', state: 'ACTIVE' }), [unmanaged.id])
      assert.deepEqual(await all({ keyMode: 'MANAGED', state: 'SUSPENDED' }), suspended)
      assert.equal((await all({ label: common, state: 'ACTIVE', keyMode: 'MANAGED' })).length, MANY + 1)
      assert.deepEqual(await all({ groupId: group, state: 'ACTIVE' }), idsOf('grouped'))
      // What is found by the block, and not by one page after the other.
      const usual = { state: 'ACTIVE', keyMode: 'MANAGED' }
      assert.deepEqual(await all({ label: tenants.last.name }), idsOf('last'))
      assert.deepEqual(await all({ label: tenants.last.name, ...usual }), idsOf('last'))
      assert.deepEqual(await fromEnd({ label: tenants.first.name, ...usual }), idsOf('first'))
      assert.deepEqual(await fromEnd({ state: 'ACTIVE' }), await all({ state: 'ACTIVE' }))
    }

    test('are those that all conditions hold for, however many there are', assertFound)

    test('are found by a name alone, where the other conditions hold as well', async () => {
      const { id, name } = tenants.suspended
      assert.deepEqual(await all({ name }), [id])
      assert.deepEqual(await all({ name, state: 'SUSPENDED', keyMode: 'MANAGED' }), [id])
      assert.deepEqual(await all({ name, state: 'ACTIVE' }), [])
      assert.deepEqual(await all({ name, label: common }), [])
      assert.deepEqual(await all({ name: `${name}x` }), [])
      assert.deepEqual(await all({ name: 'a lone surrogate: \ud800' }), [])
      assert.deepEqual(await all({ name: 'a NUL: \0' }), [])
    })

    test('are found by a name as a page of a list is', async () => {
      const { name } = tenants.last
      const { pageInfo } = await page({ first: 1, filter: { name } })
      assert.deepEqual([pageInfo.hasNextPage, pageInfo.hasPreviousPage], [false, false])
      const idsOfPage = async (variables: object) =>
        (await page({ ...variables, filter: { name } })).nodes.map(({ id }: { id: string }) => id)
      assert.deepEqual(await idsOfPage({ first: 1, after: pageInfo.endCursor }), [])
      assert.deepEqual(await idsOfPage({ last: 1, before: pageInfo.startCursor }), [])
      const first = await page({ first: 1 })
      assert.deepEqual(await idsOfPage({ first: 5, after: first.pageInfo.endCursor }), [tenants.last.id])
      assert.deepEqual(await idsOfPage({ last: 5 }), [tenants.last.id])
      const none = await page({ first: 0, filter: { name } })
      assert.deepEqual([none.nodes, none.pageInfo.hasNextPage], [[], true])
    })

    test('are found as well where a version before format 5 has written them', async () => {
      await gateway.stop()
      assert.ok((await writeAsBefore(store)) > MANY)
      gateway = await startGateway(store)
      operator = ApiClient.operator(gateway.url)
      await unlock(at(unmanaged, gateway.url))
      await operator.ask(SUSPEND, { id: tenants.resumed.id })
      await operator.ask(RESUME, { id: tenants.resumed.id })
      await assertFound()
      assert.deepEqual(await all({ name: tenants.last.name }), idsOf('last'))
      assert.deepEqual(await all({ name: tenants.resumed.name, state: 'ACTIVE' }), idsOf('resumed'))
    })
  })
}

/** Gives each tenant the tags that it had before format 5, and the second entry. @returns how many there are */
async function writeAsBefore(store: TestStore): Promise<number> {
  await lowerFormat(store)
  return inBaseWallet(store, async (session) => {
    const entries = await session.fetchAll({ category: 'tenant' })
    for (const { name: id, value, tags } of entries) {
      const { access, _n, _t, ...profile } = JSON.parse(value as string)
      const { name, state, keyMode } = profile
      const before = JSON.stringify({ _n, ...profile })
      await session.replace({ category: 'tenant', name: id, value: before, tags: { ...tags, name, state, keyMode } })
      if (access) await session.insert({ category: 'tenant-access', name: id, value: JSON.stringify(access) })
    }
    return entries.length
  })
}
