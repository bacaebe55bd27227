import { setTimeout as sleep } from 'node:timers/promises'
import { waysTo } from '../mediation/mediator/rules.js'
import { silentBus } from '../redis/bus.js'
import { BASE_PROFILE } from '../storage/store.js'
import { makeAgents } from './agents.js'
import { makeApi } from './api.js'
import { makeArrivals } from './arrivals.js'
import { makeEvents } from './events.js'
import { follow } from './following.js'
import { type GatewayOptions, layFoundation } from './foundation.js'
import { makeFront } from './front.js'
import { makeLifecycle } from './lifecycle.js'
import { beginRoutines } from './routines.js'
import { makeTenancy } from './tenancy.js'
import { makeWays } from './ways.js'

export interface Gateway {
  /** @returns where it listens, and where the explorer is */
  start(): Promise<{ url: string; explorerUrl: string }>
  /** Ends streams with a resumable close, lets work in hand finish, and closes everything. */
  stop(): Promise<void>
}

/** How long requests in hand may take once the gateway stops (ms). */
const GRACE_MS = 20_000
/** How long a gateway that stops says that it is not ready before it takes no more requests (ms). */
const UNREADY_MS = 300

/** Makes a gateway: this folder is the only place where its parts are put together, each file one layer of them. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const foundation = await layFoundation(options)
  const events = makeEvents(foundation)
  const tenancy = await makeTenancy(foundation, events)
  const ways = makeWays(foundation, events, tenancy)
  const agents = await makeAgents(foundation, events, tenancy, ways)
  const arrivals = makeArrivals(foundation, events, tenancy, ways, agents)
  const lifecycle = makeLifecycle(foundation, events, tenancy, ways, agents, arrivals)
  const api = makeApi(foundation, events, tenancy, ways, agents, lifecycle)
  const front = await makeFront(foundation, tenancy, ways, agents, arrivals, lifecycle, api)
  const following = follow(foundation, events, tenancy, ways, agents, arrivals, lifecycle)
  let endRoutines = () => {}

  return {
    async start() {
      const { config, logger, store, bus, publicUrl, recovery } = foundation
      const port = await front.server.listen()
      publicUrl.listensAt(port)
      agents.factory.endpoints = waysTo(ways.endpoints.shared, config.baseMediates)
      await lifecycle.deletion.finishAll()
      await lifecycle.spares.sweep()
      await lifecycle.travelling.sweep()
      await recovery.begin(lifecycle.takeOver)
      ways.sender.takeSoon(BASE_PROFILE)
      agents.mediation.start()
      endRoutines = beginRoutines(foundation, events, tenancy, ways, agents, arrivals, lifecycle, api, front, following)
      const { instanceId } = config
      logger.info('Ready', { port, instanceId, store: store.database.kind, redis: bus !== silentBus })
      const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
      return { url: config.publicUrl ?? url, explorerUrl: `${config.publicUrl ?? url}/graphql` }
    },

    async stop() {
      const { recovery } = foundation
      const { sender } = ways
      const { mediation, revocation } = agents
      const { hostedDids, indyDids } = lifecycle
      front.state.draining = true
      foundation.neighbours?.leave()
      front.server.leave()
      endRoutines()
      await Promise.all([front.overWs.stop(), front.overSse.stop(), front.didcommSockets.stop()])
      // Time for whoever asks whether it is ready to hear that it is not.
      await sleep(UNREADY_MS)
      await front.server.close(GRACE_MS)
      await foundation.neighbours?.stop()
      await front.overHttp.stop()
      await arrivals.drain.stop()
      await revocation.stop()
      await arrivals.intake.stop()
      await mediation.stop()
      await sender.stop()
      await ways.links.stop()
      await arrivals.intake.stop()
      await ways.held.stop()
      await events.feed.stop()
      tenancy.subscriptions.close()
      await agents.ledgers.stop()
      await indyDids?.idle()
      await agents.sessions.close()
      await tenancy.vault.close()
      await lifecycle.travelling.close()
      await lifecycle.lifecycle.noteTokenUse()
      await tenancy.operators.noteUse()
      await api.refusals.flush(true)
      await recovery.unmark(
        recovery
          .quiet(0)
          .filter((id) => !sender.isSending(id) && !events.feed.isPending(id) && !revocation.isBusy(id))
          .filter((id) => !hostedDids.isPending(id) && !indyDids?.isBusy(id)),
      )
      await recovery.stop()
      await agents.factory.shutdown()
      await agents.workers.stop()
      await agents.tailsFiles.stop()
      foundation.liveness?.stop()
      await foundation.bus.close()
      await foundation.fetch.close()
      await foundation.stuck.stop()
      await foundation.store.close()
    },
  }
}
