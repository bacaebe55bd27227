import assert from 'node:assert/strict'
import {
  CreateInvitationDocument,
  CreateTenantDocument,
  type EventFieldsFragment,
  EventPageDocument,
  ReceiveInvitationDocument,
  SendBasicMessageDocument,
  TenantByNameDocument,
  ViewerDocument,
} from '../../examples/generated/operations.js'
import { uniqueName } from '../support/client.js'
import { OPERATOR_KEY } from '../support/gateway.js'
import type { MakeClient, StockClient } from './stock-client.js'

/** Two tenants are made, connect, and a message of one is seen on the stream of the other. */
export async function clientStory(url: string, makeClient: MakeClient): Promise<void> {
  const clients: StockClient[] = []
  const connectAs = (credential: Parameters<MakeClient>[1]) => {
    const client = makeClient(url, credential)
    clients.push(client)
    return client
  }
  try {
    const operator = connectAs({ apiKey: OPERATOR_KEY })
    const [acme, globex] = await Promise.all(
      ['acme', 'globex'].map(async (label) => {
        const name = uniqueName(label)
        const { createTenant } = await operator.ask(CreateTenantDocument, { input: { name, label } })
        const client = connectAs({ token: createTenant.token })
        const { viewer } = await client.ask(ViewerDocument, {})
        assert.equal(viewer.tenant?.name, name)
        return { name, client, events: await followed(client) }
      }),
    )
    assert.ok(acme && globex)

    const { createInvitation } = await acme.client.ask(CreateInvitationDocument, { input: { alias: 'for globex' } })
    const { receiveInvitation } = await globex.client.ask(ReceiveInvitationDocument, {
      input: { url: createInvitation.invitation.url },
    })
    const connectionId = receiveInvitation.connection?.id ?? ''
    await globex.events.until(
      (event) =>
        'connection' in event && event.connection.id === connectionId && event.connection.state === 'COMPLETED',
    )
    await acme.events.until((event) => 'connection' in event && event.connection.state === 'COMPLETED')

    await globex.client.ask(SendBasicMessageDocument, { input: { connectionId, content: 'Hello Acme' } })
    await acme.events.until((event) => 'message' in event && event.message.content === 'Hello Acme')

    const { tenant } = await operator.ask(TenantByNameDocument, { name: acme.name })
    assert.equal(tenant?.label, 'acme')
    await assert.rejects(acme.client.ask(TenantByNameDocument, { name: acme.name }), /operator/)
  } finally {
    await Promise.all(clients.map((client) => client.dispose()))
  }
}

/** Follows from the end of the log as it is now. */
async function followed(client: StockClient) {
  const { events: page } = await client.ask(EventPageDocument, { last: 0 })
  const seen: EventFieldsFragment[] = []
  let failure: unknown
  client.follow(
    page.pageInfo.endCursor ?? '',
    (event) => seen.push(event),
    (error) => {
      failure = error
    },
  )
  return {
    async until(matches: (event: EventFieldsFragment) => boolean): Promise<void> {
      for (const end = Date.now() + 20_000; Date.now() < end; ) {
        if (seen.some(matches)) return
        assert.equal(failure, undefined)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      assert.fail(`did not come; seen: ${JSON.stringify(seen)}`)
    },
  }
}
