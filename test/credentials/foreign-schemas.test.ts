import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type HostingParts, openHosting } from '../dids/parts.js'
import { makeTenant } from '../support/client.js'
import { freshStore, startGateway, type TestGateway, type TestStore } from '../support/gateway.js'
import { OPERATIONS } from './story.js'

describe('a definition by a schema of somebody else', () => {
  let store: TestStore
  let gateway: TestGateway
  let elsewhere: HostingParts

  before(async () => {
    store = await freshStore('sqlite')
    ;[gateway, elsewhere] = await Promise.all([startGateway(store), openHosting('sqlite')])
  })
  after(async () => {
    await Promise.all([gateway?.stop(), elsewhere?.close()])
    await store?.remove()
  })

  test('is made, unless that has more attributes than the field takes', async () => {
    const { client } = await makeTenant(gateway.url)
    const { createDid } = await client.ask(OPERATIONS.createDid, { input: { method: 'webvh' } })
    const { did } = await elsewhere.hosted.create('one', 'webvh', null)
    const { signResource } = await import('../../src/agent/attested-resource.js')
    const publish = (attrNames: unknown[]) =>
      elsewhere.transact('one', async ({ context }, unit) => {
        const content = { issuerId: did, name: 'degree', version: '1.0', attrNames }
        const signed = await signResource(context, { issuerDid: did, content, metadata: {} })
        elsewhere.publish(unit, signed)
        unit.touch()
        return signed.resourceId
      })
    const inputOf = async (attrNames: unknown[]) => ({
      input: { issuerDid: createDid.did.did, schemaId: await publish(attrNames), tag: 'mine' },
    })
    const many = Array.from({ length: 126 }, (_, index) => `a${index}`)
    for (const attrNames of [many, [], ['a', 7]]) {
      assert.equal(await client.codeOf(OPERATIONS.definition, await inputOf(attrNames)), 'PROTOCOL_ERROR')
    }
    const { registerCredentialDefinition } = await client.ask(OPERATIONS.definition, await inputOf(['name']))
    assert.ok(registerCredentialDefinition.credentialDefinition.id)
  })
})
