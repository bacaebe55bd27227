import type { HttpClient } from './client.js'

export interface Tenant {
  id: string
  /** Its primary token. */
  token: string
}

/** An invitation as its maker gets it; `message` as in Aries RFC 0434. */
export interface Invitation {
  id: string
  message: { '@id': string; services: (string | { recipientKeys: string[] })[] }
}

const CREATE_TENANT = `mutation ($name: String!) {
  createTenant(input: { name: $name }) { tenant { id } token }
}`

const CREATE_TOKEN = `mutation ($tenantId: ID!) {
  createTenantToken(input: { tenantId: $tenantId }) { token }
}`

const READ_CONNECTIONS = `{
  connections(first: 20) {
    nodes {
      id state role did theirDid theirLabel alias invitationId errorMessage createdAt updatedAt
    }
    pageInfo { hasNextPage endCursor }
  }
}`

const CREATE_INVITATION = `mutation {
  createInvitation(input: {}) { invitation { id message } }
}`

const RECEIVE_INVITATION = `mutation ($message: JSON!) {
  receiveInvitation(input: { message: $message }) { invitation { id } connection { id } }
}`

const SEND_MESSAGE = `mutation ($connectionId: ID!, $content: String!) {
  sendBasicMessage(input: { connectionId: $connectionId, content: $content }) { message { id } }
}`

const LAST_CURSOR = '{ events(last: 1) { pageInfo { endCursor } } }'

/** The operations of the gateway's API that the scenarios are made of. */
export class Api {
  constructor(
    private readonly http: HttpClient,
    private readonly operatorKey: string,
  ) {}

  async createTenant(name: string): Promise<Tenant> {
    const { createTenant } = await this.asOperator<{ createTenant: { tenant: { id: string }; token: string } }>(
      CREATE_TENANT,
      { name },
    )
    return { id: createTenant.tenant.id, token: createTenant.token }
  }

  /** A new primary token, which ends the old one. */
  async createTenantToken(tenantId: string): Promise<string> {
    const { createTenantToken } = await this.asOperator<{ createTenantToken: { token: string } }>(CREATE_TOKEN, {
      tenantId,
    })
    return createTenantToken.token
  }

  async readConnections(tenant: Tenant): Promise<void> {
    await this.http.graphql(tenant, READ_CONNECTIONS, {})
  }

  async createInvitation(tenant: Tenant): Promise<Invitation> {
    const { createInvitation } = await this.http.graphql<{ createInvitation: { invitation: Invitation } }>(
      tenant,
      CREATE_INVITATION,
      {},
    )
    return createInvitation.invitation
  }

  /** Gives the ids of the connection and of the invitation as the receiver keeps it. */
  async receiveInvitation(
    tenant: Tenant,
    { message }: Invitation,
  ): Promise<{ connectionId: string; invitationId: string }> {
    const { receiveInvitation } = await this.http.graphql<{
      receiveInvitation: { invitation: { id: string }; connection: { id: string } }
    }>(tenant, RECEIVE_INVITATION, { message })
    const { invitation, connection } = receiveInvitation
    return { connectionId: connection.id, invitationId: invitation.id }
  }

  async sendBasicMessage(tenant: Tenant, connectionId: string, content: string): Promise<void> {
    await this.http.graphql(tenant, SEND_MESSAGE, { connectionId, content })
  }

  /** The place in the tenant's event log after which everything is new; null while nothing has happened. */
  async lastCursor(tenant: Tenant): Promise<string | null> {
    const { events } = await this.http.graphql<{ events: { pageInfo: { endCursor: string | null } } }>(
      tenant,
      LAST_CURSOR,
      {},
    )
    return events.pageInfo.endCursor
  }

  private asOperator<Data>(query: string, variables: Record<string, unknown>): Promise<Data> {
    return this.http.graphql<Data>({ apiKey: this.operatorKey }, query, variables)
  }
}
