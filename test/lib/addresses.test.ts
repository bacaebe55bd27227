import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AddressList, isLoopbackHost, isPublicAddress, parseAddress } from '../../src/lib/addresses.js'

const isPublic = (text: string) => isPublicAddress(parseAddress(text) as Uint8Array)

describe('addresses', () => {
  for (const address of ['1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.255.255', '100.128.0.0', '2606:4700::1111']) {
    test(`${address} is public`, () => assert.equal(isPublic(address), true))
  }

  const closed = `0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 fc00::1 fdff::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 100::1
    5f00::1 64:ff9b:1::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1`
  for (const address of closed.split(/\s+/)) {
    test(`${address} is not public`, () => assert.equal(isPublic(address), false))
  }

  test('an IPv4 address inside IPv6 counts as that IPv4 address', () => {
    assert.deepEqual(parseAddress('::ffff:1.2.3.4'), Uint8Array.of(1, 2, 3, 4))
    assert.deepEqual(parseAddress('[64:ff9b::102:304]'), Uint8Array.of(1, 2, 3, 4))
    assert.equal(isPublic('::ffff:1.1.1.1'), true)
  })

  test('what is no address is none', () => {
    for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', '01.2.3.4', '12345::']) {
      assert.equal(parseAddress(text), undefined)
    }
  })

  test('knows the hosts that only this machine reaches', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost']) assert.equal(isLoopbackHost(host), true)
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example']) assert.equal(isLoopbackHost(host), false)
  })

  test('a list has hosts by name and addresses by range', () => {
    const list = new AddressList([
      'Peer.Internal',
      '10.1.0.0/16',
      '192.168.1.7',
      'fd00::/8',
      '::ffff:172.16.0.0/108',
      '_x',
    ])
    const has = (text: string) => list.hasAddress(parseAddress(text) as Uint8Array)
    assert.equal(list.hasHost('peer.internal'), true)
    assert.equal(list.hasHost('other.internal'), false)
    assert.equal(list.hasHost('sub.peer.internal'), false)
    for (const inside of ['10.1.255.1', '192.168.1.7', 'fd12::1', '172.16.9.9', '::ffff:10.1.0.1']) {
      assert.equal(has(inside), true, inside)
    }
    for (const outside of ['10.2.0.1', '192.168.1.8', 'fe80::1', '172.32.0.1'])
      assert.equal(has(outside), false, outside)
  })

  test('a range of nought takes in all of its family', () => {
    const list = new AddressList(['0.0.0.0/0'])
    assert.equal(list.hasAddress(parseAddress('8.8.8.8') as Uint8Array), true)
    assert.equal(list.hasAddress(parseAddress('::1') as Uint8Array), false)
  })

  test('a list refuses what it cannot understand', () => {
    for (const entry of ['10.0.0.0/33', '10.0.0', 'a b', 'http://x', 'x/8', '::/129', '-a', '']) {
      assert.throws(() => new AddressList([entry]), SyntaxError, entry)
    }
  })
})
