import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { deferred } from '../../src/lib/deferred.js'
import { nameOf, type Place } from '../../src/storage/place.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { freshDatabase } from '../support/services.js'
import { openWalletParts, type WalletParts } from './wallet-parts.js'

const CONFLICT = { code: 'CONFLICT' }

describe('an instance that others take for dead, and that goes on,', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let slow: WalletParts
  let other: WalletParts
  let isTakenForDead = false
  const isAlive = async (name: string) => name === 'other/1' || !isTakenForDead

  before(async () => {
    database = await freshDatabase()
    slow = await openWalletParts(database.url, 'slow/1')
    other = await openWalletParts(database.url, 'other/1', isAlive)
  })
  beforeEach(() => {
    isTakenForDead = false
  })
  after(async () => {
    await slow?.close()
    await other?.close()
    await database?.drop()
  })

  const write = ({ profiles }: WalletParts, { id }: Tenant, name: string) =>
    profiles.of(id).transact(async (unit) => unit.insert({ category: 'thing', name, value: '{}', tags: {} }))
  /** What is in the wallet, wherever that is now. */
  const read = async ({ profiles }: WalletParts, { id }: Tenant) =>
    (await profiles.of(id).query('thing', {})).map(({ name }) => name).sort()
  const notes = async () => (await other.profiles.base.query('_spare', {})).map(({ name }) => name)
  const isThere = async (place: Place) =>
    place.kind === 'PROFILE' && (await other.store.listProfiles()).includes(place.profile)

  /** The other lets the wallet be written again, and writes. */
  const takeOver = async (tenant: Tenant) => {
    isTakenForDead = true
    await other.mover.mend(tenant)
    await write(other, tenant, 'committed elsewhere')
  }

  /** Moves a wallet to another profile, with something done at a moment of it. */
  async function moveWith(
    t: { mock: typeof test.mock },
    moment: 'copied' | 'switching',
    meanwhile: (tenant: Tenant) => Promise<void>,
  ) {
    const { tenant } = await slow.makeTenant()
    await write(slow, tenant, 'from before')
    const wallet = await slow.wallets.prepare({})
    const { places, profiles } = slow
    const copy = places.copy.bind(places)
    t.mock.method(places, 'copy', async (...args: Parameters<typeof copy>) => {
      await copy(...args)
      const then = async () => {
        await takeOver(tenant)
        await meanwhile(tenant)
      }
      if (moment === 'copied') return then()
      // The next thing in the base wallet is the switch.
      const transact = profiles.base.transact.bind(profiles.base)
      const switching = t.mock.method(profiles.base, 'transact', async (unit: Parameters<typeof transact>[0]) => {
        switching.mock.restore()
        await then()
        return transact(unit)
      })
    })
    const moving = slow.mover.move(tenant, wallet, undefined)
    return { tenant, wallet, moving }
  }

  for (const moment of ['copied', 'switching'] as const) {
    test(`moves no wallet that was written meanwhile: ${moment}`, async (t) => {
      const { tenant, wallet, moving } = await moveWith(t, moment, async () => {})
      await assert.rejects(moving, CONFLICT)
      for (const parts of [slow, other]) {
        parts.tenants.forget(tenant.id)
        assert.deepEqual((await parts.tenants.find(tenant.id))?.place, tenant.place)
        assert.deepEqual(await read(parts, tenant), ['committed elsewhere', 'from before'])
      }
      // What was made for it is gone, and it can be written here as well.
      assert.equal(await isThere(wallet.place), false)
      assert.ok(!(await notes()).includes(nameOf(wallet.place)))
      await write(slow, tenant, 'afterwards')
      t.mock.restoreAll()
      await slow.mover.move(tenant, await slow.wallets.prepare({}), undefined)
      assert.equal((await read(slow, tenant)).length, 3)
    })
  }

  test('does not end the move of whoever came after it', async (t) => {
    const [fenced, ended] = [deferred(), deferred()]
    let working: Promise<void> | undefined
    const { tenant, moving } = await moveWith(t, 'copied', async (of) => {
      working = other.mover.frozen(of.id, async () => {
        fenced.resolve()
        await ended.promise
      })
      await fenced.promise
    })
    await assert.rejects(moving, CONFLICT)
    assert.equal((await other.places.readHead(tenant.place)).fence, 'other/1')
    ended.resolve()
    await working
    await write(slow, tenant, 'afterwards')
  })

  test('makes no archive of a wallet that was written while it was copied', async () => {
    const { tenant } = await slow.makeTenant()
    await assert.rejects(
      slow.mover.frozen(tenant.id, () => takeOver(tenant)),
      CONFLICT,
    )
    await write(slow, tenant, 'afterwards')
    assert.deepEqual(await read(other, tenant), ['afterwards', 'committed elsewhere'])
  })

  test('gets no place for a tenant that another has removed', async () => {
    const { tenant } = await slow.makeTenant()
    const place: Place = { kind: 'PROFILE', profile: 'given up' }
    await slow.spares.reserve(place)
    await slow.store.createProfile('given up')
    isTakenForDead = true
    await other.spares.sweep()
    assert.equal(await isThere(place), false)
    const taking = slow.profiles.base.transact(async (unit) => {
      await slow.spares.take(unit, place)
      await slow.tenants.update(unit, tenant.id, 'UPDATED', () => ({ place }))
    })
    await assert.rejects(taking, CONFLICT)
  })

  test('keeps a place that a tenant has got since another looked', async (t) => {
    const place: Place = { kind: 'PROFILE', profile: 'just taken' }
    await slow.spares.reserve(place)
    await slow.store.createProfile('just taken')
    isTakenForDead = true
    const { base } = other.profiles
    const query = base.query.bind(base)
    t.mock.method(base, 'query', async (...args: Parameters<typeof query>) => {
      const found = await query(...args)
      if (args[0] === '_spare') await slow.profiles.base.transact((unit) => slow.spares.take(unit, place))
      return found
    })
    await other.spares.sweep()
    assert.equal(await isThere(place), true)
  })
})

describe('a place that takes long to be made', () => {
  test('is left to whoever makes it, and removed by that once it is of no use', async () => {
    const database = await freshDatabase()
    const [maker, other] = [await openWalletParts(database.url, 'a/1'), await openWalletParts(database.url, 'b/1')]
    try {
      const place: Place = { kind: 'PROFILE', profile: 'slow' }
      const isThere = async () => (await maker.store.listProfiles()).includes('slow')
      await maker.spares.reserve(place)
      await maker.store.createProfile('slow')
      await maker.profiles.base.transact(async (unit) => {
        const entry = await unit.fetch('_spare', 'slow')
        assert.ok(entry)
        await unit.replace({ ...entry, value: JSON.stringify({ ...JSON.parse(entry.value), after: 0 }) })
      })
      await other.spares.sweep()
      await maker.spares.making(place, () => maker.spares.sweep())
      assert.ok(await isThere())
      await other.spares.sweep()
      assert.ok(await isThere())
      await maker.spares.sweep()
      assert.ok(!(await isThere()))
    } finally {
      await maker.close()
      await other.close()
      await database.drop()
    }
  })
})
