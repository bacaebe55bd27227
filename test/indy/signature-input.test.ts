import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { IndyLedgers, type WriteRequest } from '../../src/indy/index.js'
import { agreedInput, signatureInput } from '../../src/indy/signature-input.js'
import { createGuardedFetch } from '../../src/lib/guarded-fetch.js'

const BASE = { identifier: 'Th7MpTaRZVRYnPiabds81Y', protocolVersion: 2, reqId: 17 } as const

/** What the gateway writes, with what people name their attributes. */
const REQUESTS: WriteRequest[] = [
  { ...BASE, operation: { type: '1', dest: 'V4SGRU86Z58d6TV7PBUe6f', verkey: '~7TYfekw4GUagBnBVCqPjiC', role: '101' } },
  { ...BASE, operation: { type: '1', dest: 'V4SGRU86Z58d6TV7PBUe6f', role: null } },
  {
    ...BASE,
    operation: { type: '101', data: { name: 'a|b:c', version: '1.0', attr_names: ['z', 'a', 'Größe', '名前', '😀'] } },
    taaAcceptance: { taaDigest: 'ab', mechanism: 'click', time: 1_700_000_000 },
  },
  {
    ...BASE,
    operation: {
      type: '102',
      ref: 12,
      signature_type: 'CL',
      tag: 'default',
      data: {
        primary: {
          n: '1',
          s: '2',
          r: { b: '1', B: '2', a_b: '3', ab: '4', '\uffee': '5', '😀': '6', ä: '7', '1': '8', '-': '9' },
        },
      },
    },
  },
  {
    ...BASE,
    operation: {
      type: '113',
      value: { maxCredNum: 10, publicKeys: { accumKey: { z: '1 0' } }, deep: [[1, [true, false]], {}] },
    },
  },
  { ...BASE, operation: { type: '114', value: { accum: '21 1', revoked: [1, 2, 3], issued: [] } } },
]

describe('what is signed of a request to a ledger', () => {
  const fetch = createGuardedFetch()
  let ledgers: IndyLedgers
  before(() => {
    ledgers = new IndyLedgers({ networks: [], fetch })
  })
  after(async () => {
    await ledgers.stop()
    await fetch.close()
  })

  test('is what Indy VDR has signed of it, without the signature', async () => {
    for (const request of REQUESTS) {
      const input = await ledgers.signatureInput(request)
      assert.equal(`${input}`, signatureInput(request))
      assert.equal(signatureInput({ ...request, signature: '5' }), signatureInput(request))
    }
    assert.equal(
      signatureInput(REQUESTS[0] as WriteRequest),
      'identifier:Th7MpTaRZVRYnPiabds81Y|operation:dest:V4SGRU86Z58d6TV7PBUe6f|role:101|type:1|' +
        'verkey:~7TYfekw4GUagBnBVCqPjiC|protocolVersion:2|reqId:17',
    )
  })

  test('is refused where it is anything else', () => {
    const request = REQUESTS[0] as WriteRequest
    const { operation } = request
    const others = [
      { ...request, reqId: 18 },
      { ...request, operation: { ...operation, role: '0' } },
    ]
    assert.equal(`${agreedInput(request, signatureInput(request))}`, signatureInput(request))
    for (const said of [...others.map(signatureInput), '', undefined, `${signatureInput(request)}|a:b`]) {
      assert.throws(() => agreedInput(request, said), /something else signed/)
    }
  })
})
