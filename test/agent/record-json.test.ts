import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AnonCredsCredentialDefinitionRecord } from '@credo-ts/anoncreds'
import { type BaseRecordConstructor, DidDocument, DidDocumentRole, DidRecord, JsonTransformer } from '@credo-ts/core'
import {
  DidCommBasicMessageRecord,
  DidCommBasicMessageRole,
  DidCommConnectionRecord,
  DidCommCredentialExchangeRecord,
  DidCommCredentialRole,
  DidCommCredentialState,
  DidCommDidExchangeRole,
  DidCommDidExchangeState,
  DidCommHandshakeProtocol,
  DidCommMediationRecord,
  DidCommMediationRole,
  DidCommMediationState,
  DidCommMessageRecord,
  DidCommMessageRole,
  DidCommOutOfBandInvitation,
  DidCommOutOfBandRecord,
  DidCommOutOfBandRole,
  DidCommOutOfBandState,
} from '@credo-ts/didcomm'
import { type AnyRecord, jsonOf, recordFrom } from '../../src/agent/record-json.js'

const createdAt = new Date('2026-01-02T03:04:05.678Z')

const invitation = new DidCommOutOfBandInvitation({
  label: 'Ada',
  services: ['did:peer:2.Ez6LSpSrLxbAhg2SHwKk7kwpsH7DM7QjFS5iK6qP87eViohud'],
  handshakeProtocols: [DidCommHandshakeProtocol.DidExchange],
})

const records: AnyRecord[] = [
  new DidCommConnectionRecord({
    createdAt,
    role: DidCommDidExchangeRole.Requester,
    state: DidCommDidExchangeState.RequestSent,
    connectionTypes: ['mediator'],
    previousDids: ['did:example:a'],
    alias: 'Über',
    protocol: DidCommHandshakeProtocol.DidExchange,
  }),
  new DidCommOutOfBandRecord({
    createdAt,
    outOfBandInvitation: invitation,
    role: DidCommOutOfBandRole.Sender,
    state: DidCommOutOfBandState.AwaitResponse,
    reusable: false,
    tags: { recipientKeyFingerprints: ['z6Mk'] },
  }),
  new DidRecord({
    createdAt,
    did: 'did:example:a',
    role: DidDocumentRole.Created,
    didDocument: new DidDocument({ id: 'did:example:a', alsoKnownAs: ['did:example:b'] }),
    keys: [{ didDocumentRelativeKeyId: '#1', kmsKeyId: 'k' }],
  }),
  new DidCommBasicMessageRecord({
    createdAt,
    connectionId: 'c',
    role: DidCommBasicMessageRole.Sender,
    content: 'a "text"',
    sentTime: createdAt.toISOString(),
  }),
  new DidCommCredentialExchangeRecord({
    createdAt,
    threadId: 't',
    role: DidCommCredentialRole.Issuer,
    state: DidCommCredentialState.OfferSent,
    protocolVersion: 'v2',
    credentialAttributes: [{ name: 'n', value: 'v', mimeType: 'text/plain' } as never],
  }),
  new DidCommMediationRecord({
    createdAt,
    state: DidCommMediationState.Granted,
    role: DidCommMediationRole.Recipient,
    connectionId: 'c',
    threadId: 't',
    recipientKeys: ['k'],
    routingKeys: ['r'],
  }),
  new DidCommMessageRecord({
    message: {
      '@type': 'https://didcomm.org/basicmessage/1.0/message',
      '@id': 'x',
      content: { deep: [1, null, {}] },
    } as never,
    role: DidCommMessageRole.Sender,
    associatedRecordId: 'a',
  }),
  new AnonCredsCredentialDefinitionRecord({
    credentialDefinitionId: 'd',
    methodName: 'webvh',
    credentialDefinition: {
      issuerId: 'did:example:a',
      schemaId: 's',
      type: 'CL',
      tag: 't',
      value: { primary: { n: '1' } },
    } as never,
  }),
]

describe('a record as JSON, the short way', () => {
  for (const record of records) {
    const recordClass = record.constructor as BaseRecordConstructor<AnyRecord>
    const { name } = recordClass
    record.metadata.set('tenantry/test', { of: [{ what: true }] })

    test(`${name}: is what the library makes of it, and stays that as the record changes`, () => {
      const text = JsonTransformer.serialize(record)
      const json = jsonOf(record)
      record.setTag('later', 'on')
      record.metadata.add('tenantry/test', { later: 1 })
      assert.equal(JSON.stringify(json), text)
    })

    test(`${name}: becomes the record that the library makes of it`, () => {
      const text = JsonTransformer.serialize(record)
      const made = recordFrom(JSON.parse(text), recordClass)
      const expected = JsonTransformer.deserialize(text, recordClass)
      assert.deepStrictEqual(made, expected)
      assert.equal(JsonTransformer.serialize(made), JsonTransformer.serialize(expected))
    })
  }

  test('what it is given of properties that it only computes, or has none of, is left out as the library does', () => {
    const text = JsonTransformer.serialize(records[0] as AnyRecord)
    const odd = { ...JSON.parse(text), isReady: false, clone: 'x', constructor: 'y', type: 'Other', nothing: null }
    const made = recordFrom(structuredClone(odd), DidCommConnectionRecord)
    assert.deepStrictEqual(made, JsonTransformer.fromJSON(odd, DidCommConnectionRecord))
    assert.equal(typeof made.clone, 'function')
  })
})
