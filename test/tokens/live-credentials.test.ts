import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LiveCredentials } from '../../src/server/live-credentials.js'

test('credentials are followed for one that is open, also where another is done with twice', async () => {
  let holds = true
  const live = new LiveCredentials({} as never, {} as never, { holds: async () => holds } as never)
  const operatorKey = { keyId: 'key', name: 'key', scopes: ['ALL'], expiresAt: null } as const
  const viewer = { role: 'OPERATOR', operatorKey } as const
  const release = live.watch(viewer, () => {})
  release()
  const ended: string[] = []
  live.watch(viewer, ({ code }) => ended.push(code))
  release()
  holds = false
  await live.check('key')
  assert.ok(ended.includes('UNAUTHENTICATED'))
})
