import { receiveAttachedOf } from '../agent/exchanges/attached-requests.js'
import type { AgentPorts, RecordJson, RecordObserver } from '../agent/ports.js'
import { doInUnit } from '../agent/unit-tasks.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { Tags } from '../storage/entry.js'
import type { Unit } from '../storage/unit.js'
import type { Quotas } from '../tenants/quotas.js'
import type { ConnectionType } from './connection.type.js'

/** Credo writes `request-sent` and `requester` where GraphQL has `REQUEST_SENT` and `REQUESTER`. */
export const fromCredo = <T extends string>(name: unknown) => String(name).replaceAll('-', '_').toUpperCase() as T
export const toCredo = (name: string) => name.toLowerCase().replaceAll('_', '-')

/** A value of a record that may be absent. */
export const text = (value: unknown) => (typeof value === 'string' ? value : null)

/** Credo does not tag an alias; lists are filtered by it. */
export const aliasTag = ({ alias }: RecordJson): Tags => (typeof alias === 'string' ? { _alias: alias } : {})

/** A stored connection record as the API shows it. */
export function connectionView(record: RecordJson): ConnectionType {
  return {
    id: record.id,
    state: fromCredo(record['state']),
    role: fromCredo(record['role']),
    did: text(record['did']),
    theirDid: text(record['theirDid']),
    theirLabel: text(record['theirLabel']),
    alias: text(record['alias']),
    invitationId: text(record['outOfBandId']),
    errorMessage: text(record['errorMessage']),
    createdAt: String(record['createdAt']),
    updatedAt: String(record['updatedAt'] ?? record['createdAt']),
  }
}

/**
 * Lists connections, sees that there are not too many, tells of each change of state, and takes up what an invitation has
 * brought along.
 */
export function connectionObserver(
  ports: AgentPorts,
  quotas: Quotas,
  /** Does what follows from a connection that is complete, in its unit. */
  completed: (agent: WalletAgent, connectionId: string) => Promise<void>,
  /** Does what follows from one that goes. */
  removed: (agent: WalletAgent, unit: Unit, connectionId: string) => Promise<void>,
  /** Does what follows where its peer has another DID (Aries RFC 0794). */
  rotated: (agent: WalletAgent, unit: Unit, connectionId: string) => Promise<void>,
): RecordObserver {
  const follow = (unit: Unit, before: RecordJson | undefined, after: RecordJson | undefined) => {
    if (before && !after) doInUnit(unit, (agent) => removed(agent, unit, before.id))
    if (after && before?.['theirDid'] && before['theirDid'] !== after['theirDid'])
      doInUnit(unit, (agent) => rotated(agent, unit, after.id))
    if (after?.['state'] === 'completed' && before?.['state'] !== 'completed')
      doInUnit(unit, (agent) => completed(agent, after.id))
  }
  return {
    type: 'ConnectionRecord',
    list: () => 'connections',
    tags: aliasTag,
    changedInBase: ({ unit, before, after }) => follow(unit, before, after),
    async changed({ unit, owner, before, after }) {
      if (!before && after) await quotas.assertConnections(unit, owner)
      follow(unit, before, after)
      if (!after || before?.['state'] === after['state']) return
      const { outOfBandId } = after
      if (after['state'] === 'completed' && typeof outOfBandId === 'string') {
        doInUnit(unit, (agent) => receiveAttachedOf(agent, outOfBandId, after.id))
      }
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'CONNECTION',
        payload: {
          previousState: before ? fromCredo(before['state']) : null,
          connection: connectionView(after),
        },
      })
    },
  }
}
