import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { shared } from '../../src/askar/index.js'
import {
  askarError,
  type Backend,
  codes,
  createStore,
  inSession,
  rawKeyMethod,
  storePlace,
  type TestStore,
} from './stores.js'

/** What a store and its profiles do, with any binding. */
export function storeContract(backend: Backend): void {
  describe(`stores on ${backend}`, () => {
    test('a store is provisioned, closed, opened again with its key, and removed', async () => {
      await using place = await storePlace(backend)
      const passKey = shared.Store.generateRawKey()
      const options = { uri: place.uri, passKey, keyMethod: rawKeyMethod() }
      const made = await shared.Store.provision({ ...options, recreate: false, profile: 'first' })
      await inSession(made, (session) => session.insert({ category: 'thing', name: 'one', value: 'kept' }))
      await made.close()

      const opened = await shared.Store.open(options)
      assert.equal(await shared.askar.storeGetProfileName({ storeHandle: opened.handle }), 'first')
      const entry = await inSession(opened, (session) => session.fetch({ category: 'thing', name: 'one' }))
      assert.equal(entry?.value, 'kept')
      assert.ok(await opened.close(true))

      await assert.rejects(shared.Store.open(options), askarError(codes.notFound))
      assert.equal(Boolean(await shared.Store.remove(place.uri)), false)
    })

    test('a wrong key opens nothing', async () => {
      await using made = await createStore(backend)
      const wrong = { uri: made.uri, passKey: shared.Store.generateRawKey(), keyMethod: rawKeyMethod() }
      await assert.rejects(shared.Store.open(wrong), askarError(codes.encryption))
    })

    test('a new key replaces the old one', async () => {
      await using made = await createStore(backend)
      const passKey = shared.Store.generateRawKey()
      await made.store.rekey({ passKey, keyMethod: rawKeyMethod() })
      const again = await shared.Store.open({ uri: made.uri, passKey, keyMethod: rawKeyMethod() })
      await again.close()
      const old = { uri: made.uri, passKey: made.passKey, keyMethod: rawKeyMethod() }
      await assert.rejects(shared.Store.open(old), askarError(codes.encryption))
    })

    test('a store is copied to another place', async () => {
      await using made = await createStore(backend)
      await inSession(made.store, (session) => session.insert({ category: 'thing', name: 'one', value: 'copied' }))
      await using place = await storePlace('sqlite')
      const passKey = shared.Store.generateRawKey()
      await made.store.copyTo({ uri: place.uri, recreate: true, passKey, keyMethod: rawKeyMethod() })
      const copy = await shared.Store.open({ uri: place.uri, passKey, keyMethod: rawKeyMethod() })
      const entry = await inSession(copy, (session) => session.fetch({ category: 'thing', name: 'one' }))
      assert.equal(entry?.value, 'copied')
      await copy.close()
    })
  })

  describe(`profiles on ${backend}`, () => {
    let made: TestStore
    before(async () => {
      made = await createStore(backend)
    })
    after(() => made[Symbol.asyncDispose]())

    test('profiles are made, listed, renamed and removed', async () => {
      const { store } = made
      assert.equal(await store.createProfile('alice'), 'alice')
      const generated = await store.createProfile()
      assert.ok((await store.listProfiles()).includes(generated))
      assert.ok(await store.renameProfile({ fromProfile: 'alice', toProfile: 'Ålice ✓' }))
      assert.ok((await store.listProfiles()).includes('Ålice ✓'))
      assert.ok(await store.removeProfile('Ålice ✓'))
      assert.equal(Boolean(await store.removeProfile('Ålice ✓')), false)
      assert.equal((await store.listProfiles()).includes('Ålice ✓'), false)
    })

    test('a profile sees only its own records', async () => {
      const { store } = made
      await store.createProfile('left')
      await store.createProfile('right')
      await inSession(store, (session) => session.insert({ category: 'thing', name: 'one', value: 'left' }), 'left')
      assert.equal(await inSession(store, (session) => session.count({ category: 'thing' }), 'right'), 0)
      await assert.rejects(store.session('nobody').open(), askarError(codes.notFound))
      await assert.rejects(store.createProfile('left'), askarError(codes.duplicate))
    })

    test('the default profile is told and changed', async () => {
      const { store } = made
      await store.createProfile('other')
      const first = await store.getDefaultProfile()
      await store.setDefaultProfile('other')
      assert.equal(await store.getDefaultProfile(), 'other')
      await store.setDefaultProfile(first)
    })

    test('a profile is copied into another store', async () => {
      const { store } = made
      await store.createProfile('traveller')
      await inSession(store, (session) => session.insert({ category: 'thing', name: 'bag', value: 'red' }), 'traveller')
      await using target = await createStore('sqlite')
      await store.copyProfile({ toStore: target.store, fromProfile: 'traveller', toProfile: 'arrived' })
      const bag = await inSession(
        target.store,
        (session) => session.fetch({ category: 'thing', name: 'bag' }),
        'arrived',
      )
      assert.equal(bag?.value, 'red')
    })
  })
}
