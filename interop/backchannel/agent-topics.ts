import type { Connections } from './connections.js'
import type { Gateway } from './gateway.js'
import { type Json, NotMapped, notMapped, part, Refusal, required, type Topic } from './topic.js'

const VIEWER = '{ viewer { tenant { id settings } } }'
const UPDATE = 'mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }'

const MEDIATED = '{ mediatedAgents(last: 100) { nodes { connectionId } } }'

/** What the harness takes for a state that cannot be told: the API shows no request that is on its way. */
const UNKNOWN = 'N/A'

/** The harness takes each step itself, and the steps of one side wait for the other. */
const STEP_BY_STEP = { autoAcceptConnections: false, autoAcceptCredentials: 'NEVER', autoAcceptProofs: 'NEVER' }

interface Mediated {
  mediatedAgents: { nodes: { connectionId: string }[] }
}

interface Viewer {
  viewer: { tenant: { id: string; settings: Json } | null }
}

const tenantOf = async (gateway: Gateway) => {
  const { tenant } = (await gateway.ask<Viewer>(VIEWER)).viewer
  if (!tenant) throw new Refusal(500, 'The token is not that of a tenant')
  return tenant
}

/** Has the tenant wait for each step. @throws where the token is no tenant's, or lacks the scope MANAGE */
export async function prepareTenant(gateway: Gateway): Promise<void> {
  const { id } = await tenantOf(gateway)
  await gateway.ask(UPDATE, { input: { tenantId: id, settings: STEP_BY_STEP } })
}

/** The agent as a whole, and what it is to others as a mediator. */
export function agentTopics(gateway: Gateway, connections: Connections, version: string): Record<string, Topic> {
  /** Whether the agent behind a connection, of the last hundred, is mediated for. */
  const isGranted = async (id: string): Promise<boolean> => {
    const connectionId = await connections.idOf(id)
    const { mediatedAgents } = await gateway.ask<Mediated>(MEDIATED)
    return mediatedAgents.nodes.some((agent) => agent.connectionId === connectionId)
  }
  const mediates = async () => (await tenantOf(gateway)).settings['mediates'] === true
  return {
    status: {
      async look() {
        await tenantOf(gateway)
        return { status: 'Active' }
      },
    },
    version: { look: async () => ({ version }) },
    agent: {
      operations: {
        async start(_, data) {
          if (Object.keys(part(data['parameters'])).length > 0)
            throw new NotMapped('Transports and media types are those of the gateway, not a choice of a tenant.')
          await prepareTenant(gateway)
          return {}
        },
      },
    },
    mediation: {
      async get(id) {
        return { state: (await isGranted(id)) ? 'grant-sent' : UNKNOWN, connection_id: id }
      },
      operations: {
        async 'send-grant'(id) {
          if (!(await mediates()))
            throw new NotMapped('A tenant mediates for whoever asks once its setting `mediates` is on; it is off.')
          const connectionId = required(id, 'id')
          await gateway.until(`mediation for ${connectionId}`, async () => (await isGranted(connectionId)) || undefined)
          return { state: 'grant-sent', connection_id: connectionId }
        },
        'send-deny': notMapped('A tenant that mediates denies no single agent.'),
        'send-request': notMapped(
          'connectMediator connects and asks in one; there is no asking over an older connection.',
        ),
      },
    },
  }
}
