import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli, startCli } from '../support/cli.js'
import { ApiClient, connect, makeTenant, type TestTenant } from '../support/client.js'
import { freshStore, OPERATOR_KEY, startGateway } from '../support/gateway.js'
import { tempDir } from '../support/services.js'
import { eventually, say } from '../support/talk.js'

const env = { OPERATOR_KEY }
const TENANT = 'query($id: ID!) { tenant(id: $id) { state queuedMessages } }'
const SUSPEND = 'mutation($id: ID!) { suspendTenant(tenantId: $id) { tenant { state } } }'
const RESUME = 'mutation($id: ID!) { resumeTenant(tenantId: $id) { tenant { state } } }'
const BY_ID = 'mutation($id: ID!) { deleteTenant(input: {tenantId: $id}) { deletedTenantId } }'

/** Waits for a message in a tenant's list. */
async function hears(tenant: TestTenant, content: string): Promise<void> {
  await eventually(async () => {
    const { basicMessages } = await tenant.client.ask('{ basicMessages(last: 50) { nodes { content } } }')
    return basicMessages.nodes.some((message: { content: string }) => message.content === content)
  })
}

test('tenantry tenant moves a tenant and takes it back from a file, and deletes it only where the other has it', async () => {
  const [first, second, folder] = [await freshStore('sqlite'), await freshStore('sqlite'), tempDir()]
  const gateways = await Promise.all([startGateway(first), startGateway(second)])
  const [from, to] = gateways.map(({ url }) => url) as [string, string]
  try {
    const tenant = await makeTenant(from)
    const peer = await makeTenant(from)
    const ids = await connect(tenant, peer)
    const between = ['--from', from, '--to', to, '--tenant', tenant.name]

    const kept = await runCli(['tenant', 'move', ...between, '--keep'], env)
    assert.equal(kept.code, 0, kept.stderr)
    assert.match(kept.stderr, /Moving: 100 %/)
    const token = /^Token, shown once: (\S+)$/m.exec(kept.stdout)?.[1] as string
    const moved = { ...tenant, client: new ApiClient(to, { token }) }
    await say(moved.client, ids.inviter, 'from the new house')
    await hears(peer, 'from the new house')
    const { tenant: left } = await ApiClient.operator(from).ask(TENANT, { id: tenant.id })
    assert.equal(left.state, 'SUSPENDED')
    // Whoever has gone on at the old house since is not taken for what was left there.
    const atOld = ApiClient.operator(from)
    await atOld.ask(RESUME, { id: tenant.id })
    for (const state of ['ACTIVE', 'SUSPENDED']) {
      if (state === 'SUSPENDED') await atOld.ask(SUSPEND, { id: tenant.id })
      const again = await runCli(['tenant', 'move', ...between, '--yes'], env)
      assert.equal(again.code, 1)
      assert.match(again.stderr, /is at http:\S+ already/)
      assert.equal((await atOld.ask(TENANT, { id: tenant.id })).tenant.state, state)
    }

    // Back from there: the first gateway must not have it any more.
    const out = join(folder.path, 'tenant')
    const written = await runCli(['tenant', 'export', '--url', to, '--tenant', tenant.id, '--out', out], env)
    assert.equal(written.code, 0, written.stderr)
    assert.equal(readFileSync(out).indexOf(tenant.id), -1)
    await ApiClient.operator(to).ask(BY_ID, { id: tenant.id })
    const refused = await runCli(['tenant', 'import', '--url', from, '--from', out], env)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /CONFLICT/)
    await ApiClient.operator(from).ask(BY_ID, { id: tenant.id })
    const taken = await runCli(['tenant', 'import', '--url', from, '--from', out, '--wallet-storage', 'STORE'], env)
    assert.equal(taken.code, 0, taken.stderr)
    assert.match(taken.stdout, /ACTIVE, MANAGED, STORE/)

    // What waits goes along; the tenant is deleted only where the other has it.
    const nowhere = await runCli(['tenant', 'move', ...between.with(3, `${to}/nowhere`), '--yes'], env)
    assert.equal(nowhere.code, 1)
    await ApiClient.operator(from).ask(SUSPEND, { id: tenant.id })
    await say(peer.client, ids.invitee, 'while it was packed')
    await eventually(
      async () => (await ApiClient.operator(from).ask(TENANT, { id: tenant.id })).tenant.queuedMessages === 1,
    )
    const gone = await runCli(['tenant', 'move', ...between, '--yes'], env)
    assert.equal(gone.code, 0, gone.stderr)
    assert.equal((await ApiClient.operator(from).ask(TENANT, { id: tenant.id })).tenant, null)
    const there = await ApiClient.operator(to).ask(TENANT, { id: tenant.id })
    assert.deepEqual(there.tenant, { state: 'SUSPENDED', queuedMessages: 1 })
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await Promise.all([first.remove(), second.remove()])
    folder.remove()
  }
})

test('tenantry tenant move hands over what came to the old gateway while it ran, before it deletes the tenant there', async () => {
  const [first, second] = [await freshStore('sqlite'), await freshStore('sqlite')]
  const gateways = await Promise.all([startGateway(first), startGateway(second)])
  const [from, to] = gateways.map(({ url }) => url) as [string, string]
  const tenant = await makeTenant(from)
  const peer = await makeTenant(from)
  const ids = await connect(tenant, peer)
  /** Lets the answer to an import wait until the peer has said something. */
  const front = createServer(async (req, res) => {
    const body = await new Response(req as unknown as ReadableStream).arrayBuffer()
    const headers = { 'content-type': String(req.headers['content-type']), 'x-api-key': OPERATOR_KEY }
    const answer = await fetch(`${to}${req.url}`, { method: 'POST', headers, body })
    if (req.url?.startsWith('/imports/')) {
      await say(peer.client, ids.invitee, 'to the old house')
      const client = ApiClient.operator(from)
      await eventually(async () => (await client.ask(TENANT, { id: tenant.id })).tenant.queuedMessages === 1)
    }
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  try {
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const target = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
    const run = await runCli(['tenant', 'move', '--from', from, '--to', target, '--tenant', tenant.id, '--yes'], env)
    assert.equal(run.code, 0, run.stderr)
    assert.match(run.stdout, /^Forwarded what has come meanwhile: 1\.$/m)
    const token = /^Token, shown once: (\S+)$/m.exec(run.stdout)?.[1] as string
    await hears({ ...tenant, client: new ApiClient(to, { token }) }, 'to the old house')
    assert.equal((await ApiClient.operator(from).ask(TENANT, { id: tenant.id })).tenant, null)
  } finally {
    front.close()
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await Promise.all([first.remove(), second.remove()])
  }
})

test('a move that kill -9 has cut, wherever that was, is gone on with by the same command', async () => {
  const [first, second] = [await freshStore('sqlite'), await freshStore('postgres')]
  const gateways = await Promise.all([startGateway(first), startGateway(second)])
  const [from, to] = gateways.map(({ url }) => url) as [string, string]
  const tenant = await makeTenant(from)
  const peer = await makeTenant(from)
  const ids = await connect(tenant, peer)
  /** The steps after which a run is killed, one a run: each is done, and whoever asked for it does not learn of it. */
  const steps = [/suspendTenant/, /^\/exports\//, /^\/imports\//, /deleteTenant/]
  let run: ReturnType<typeof startCli> | undefined
  const fronts = await Promise.all(
    [from, to].map((target) =>
      frontOf(target, (asked) => {
        if (!steps[0]?.test(asked)) return false
        steps.shift()
        run?.child.kill('SIGKILL')
        return true
      }),
    ),
  )
  const [fromFront, toFront] = fronts.map(({ url }) => url) as [string, string]
  const sent: string[] = []
  try {
    await say(peer.client, ids.invitee, 'before')
    await hears(tenant, 'before')
    while (steps.length > 0) {
      run = startCli(
        ['tenant', 'move', '--from', fromFront, '--to', toFront, '--tenant', tenant.name, '--start', '--yes'],
        env,
      )
      const { code, stderr } = await run.done
      assert.equal(code, null, stderr)
      const left = (await ApiClient.operator(from).ask(TENANT, { id: tenant.id })).tenant
      if (!left) continue
      const content = `after step ${4 - steps.length}`
      sent.push(content)
      await say(peer.client, ids.invitee, content)
      const waiting = async () => (await ApiClient.operator(from).ask(TENANT, { id: tenant.id })).tenant.queuedMessages
      await eventually(async () => (await waiting()) === sent.length)
    }
    const last = await runCli(['tenant', 'move', '--from', from, '--to', to, '--tenant', tenant.name, '--yes'], env)
    assert.equal(last.code, 0, last.stderr)
    assert.match(last.stdout, /nothing left to do/)
    const client = ApiClient.operator(to)
    assert.equal((await client.ask(TENANT, { id: tenant.id })).tenant.state, 'ACTIVE')
    const { createTenantToken } = await client.ask(
      'mutation($id: ID!) { createTenantToken(input: {tenantId: $id}) { token } }',
      { id: tenant.id },
    )
    const moved = new ApiClient(to, { token: createTenantToken.token })
    const heard = async () => {
      const { basicMessages } = await moved.ask('{ basicMessages(first: 50) { nodes { content } } }')
      return basicMessages.nodes.map(({ content }: { content: string }) => content)
    }
    await eventually(async () => (await heard()).length > sent.length)
    assert.deepEqual(await heard(), ['before', ...sent])
  } finally {
    for (const front of fronts) front.close()
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await Promise.all([first.remove(), second.remove()])
  }
})

/** Stands before a gateway; an answer that `isCut` says so of does not come. It is told the path, and what is asked. */
async function frontOf(target: string, isCut: (asked: string) => boolean) {
  const server = createServer(async (req, res) => {
    try {
      const bytes = Buffer.from(await new Response(req as unknown as ReadableStream).arrayBuffer())
      const headers = { 'content-type': String(req.headers['content-type']), 'x-api-key': OPERATOR_KEY }
      const body = req.method === 'POST' ? { body: bytes } : {}
      const answer = await fetch(`${target}${req.url}`, { method: req.method ?? 'GET', headers, ...body })
      const content = Buffer.from(await answer.arrayBuffer())
      if (isCut(req.url === '/graphql' ? `${bytes}` : `${req.url}`)) return void req.socket.destroy()
      const type = { 'content-type': answer.headers.get('content-type') ?? '' }
      res.writeHead(answer.status, { ...type, 'content-length': content.length }).end(content)
    } catch {
      // Whoever asked is gone.
      req.socket.destroy()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}
