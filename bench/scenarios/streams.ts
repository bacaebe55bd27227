import { setTimeout as sleep } from 'node:timers/promises'
import type { Tenant } from '../api.js'
import { Crowd } from '../event-streams.js'
import type { ConnectedPeer } from '../lab.js'
import { round } from '../meter.js'
import { packMessage } from './inbound.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const SUBSCRIBERS = 1000
const WARM_UP_EVENTS = 3
const EVENTS = 20
const WITHIN_S = 60
/** Until short-lived memory of the opening is given back. */
const SETTLE_MS = 5000

/**
 * One received message after the other to 1,000 subscribers of the same operation. An operation of this scenario is one
 * event to all of them, the handling of its envelope included; its latency ends when the last one has it.
 */
export const eventFanOut: Scenario = {
  name: 'event fan-out',
  async *run(lab) {
    const [connected] = (await lab.peers(1)) as [ConnectedPeer]
    const crowd = await Crowd.open(lab, connected.tenant, SUBSCRIBERS)
    const sendOne = async () => {
      const all = crowd.untilAllHave(1, WITHIN_S)
      await Promise.all([all, lab.http.didcomm(packMessage(connected).envelope)])
    }
    try {
      await timed(1, WARM_UP_EVENTS, sendOne)
      yield await lab.meter.measure({ scenario: eventFanOut.name, n: EVENTS, conc: 1 }, async () => ({
        ...(await timed(1, EVENTS, sendOne)),
        more: { subscribers: SUBSCRIBERS },
      }))
    } finally {
      await crowd.close()
    }
  },
}

/**
 * What 1,000 subscriptions, a socket each, add to the gateway's resident memory while nothing happens. Another thousand
 * are open before: they take up what a start or earlier work left free, which would hide the cost.
 */
export const idleSubscriptions: Scenario = {
  name: 'idle subscriptions',
  async *run(lab) {
    const [tenant] = (await lab.someTenants(1)) as [Tenant]
    await lab.restart()
    const crowds = [await Crowd.open(lab, tenant, SUBSCRIBERS)]
    try {
      await sleep(SETTLE_MS)
      const before = lab.meter.rssMb()
      const result = await lab.meter.measure(
        { scenario: idleSubscriptions.name, n: SUBSCRIBERS, conc: 16 },
        async () => {
          crowds.push(await Crowd.open(lab, tenant, SUBSCRIBERS))
          return { latencies: [] }
        },
      )
      await sleep(SETTLE_MS)
      const after = lab.meter.rssMb()
      const perSubscription = (1024 * (after - before)) / SUBSCRIBERS
      yield { ...result, rss_mb: round(after, 1), rss_kb_per_subscription: round(perSubscription, 2) }
    } finally {
      await Promise.all(crowds.map((crowd) => crowd.close()))
    }
  },
}
