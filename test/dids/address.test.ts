import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { didBase, pathIn } from '../../src/hosting/address.js'

describe('the place of hosted DIDs', () => {
  test('is the host of PUBLIC_URL, and localhost for loopback', () => {
    const bases = {
      'https://agents.example.org': 'agents.example.org',
      'https://agents.example.org:8443/below/it': 'agents.example.org%3A8443:below:it',
      'http://127.0.0.1:4000': 'localhost%3A4000',
      'http://[::1]:4000': 'localhost%3A4000',
      'http://localhost': 'localhost',
    }
    for (const [url, base] of Object.entries(bases)) assert.equal(didBase(url), base)
  })

  test('is https with a host name, or else there is none', () => {
    const urls = ['http://agents.example.org', 'https://192.0.2.1', 'https://[2001:db8::1]', 'https://localhost:4000']
    for (const url of [...urls, 'http://192.0.2.1:4000', 'https://localhost.example.org', 'https://a.example/b%20c']) {
      assert.throws(() => didBase(url), { code: 'CONFLICT', message: /PUBLIC_URL of https/ })
    }
  })

  test('tells which DIDs lie here', () => {
    const base = 'localhost%3A4000:below'
    assert.equal(pathIn(base, 'did:web:localhost%3A4000:below:a:b'), 'a/b')
    assert.equal(pathIn(base, 'did:webvh:Qm:LOCALHOST%3a4000:below:a'), 'a')
    for (const did of [
      'did:web:localhost%3A4000:a',
      'did:web:localhost%3A4000:below',
      'did:web:localhost%3A40001:below:a',
      'did:webvh:localhost%3A4000:below:a',
      'did:key:localhost%3A4000:below:a',
    ]) {
      assert.equal(pathIn(base, did), undefined)
    }
  })
})
