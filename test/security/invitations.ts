import { randomUUID } from 'node:crypto'

/** An invitation (Aries RFC 0434) of an agent that says it is reached at `serviceEndpoint`. */
export function invitationTo(serviceEndpoint: string, label = 'another agent'): Record<string, unknown> {
  const recipientKeys = ['did:key:z6MkmjY8GnV5i9YTDtPETC2uUAW6ejw3nk5mXF5yci5ab7th']
  return {
    '@type': 'https://didcomm.org/out-of-band/1.1/invitation',
    '@id': randomUUID(),
    label,
    accept: ['didcomm/aip1', 'didcomm/aip2;env=rfc19'],
    handshake_protocols: ['https://didcomm.org/didexchange/1.1', 'https://didcomm.org/connections/1.0'],
    services: [{ id: '#inline-0', type: 'did-communication', serviceEndpoint, recipientKeys, routingKeys: [] }],
  }
}
