import { randomUUID } from 'node:crypto'
import { EventStreams } from '../event-streams.js'
import type { ConnectedPeer, Lab } from '../lab.js'
import { type Measured, percentile, type Result } from '../meter.js'
import { runWorkers } from '../workers.js'
import type { Scenario } from './scenario.js'

const WITHIN_S = 120

/** Envelopes packed beforehand by outside peers; latency from the POST until the tenant's subscription has it. */
async function* inbound(lab: Lab, scenario: string, peerCount: number, blocks: { conc: number; n: number }[]) {
  const peers = await lab.peers(peerCount)
  const streams = await EventStreams.ofMessages(
    lab,
    peers.map(({ tenant }) => tenant),
  )
  try {
    for (const { conc, n } of blocks) {
      const envelopes = Array.from({ length: n }, (_, index) =>
        packMessage(peers[index % peers.length] as ConnectedPeer),
      )
      yield await lab.meter.measure({ scenario, n, conc }, () => postAll(lab, streams, conc, envelopes))
    }
  } finally {
    await streams.close()
  }
}

interface PackedMessage {
  content: string
  envelope: Buffer
}

/** A basic message that is found again by its content. */
export function packMessage({ peer, recipientKey }: ConnectedPeer): PackedMessage {
  const content = `inbound ${randomUUID()}`
  return { content, envelope: peer.pack(peer.basicMessage(content), recipientKey) }
}

/** The next envelope goes when one was answered, not when its event came; `ack_*` are the figures of the answers. */
async function postAll(lab: Lab, streams: EventStreams, conc: number, envelopes: PackedMessage[]): Promise<Measured> {
  const [acks, latencies]: [number[], number[]] = [[], []]
  const start = performance.now()
  const arrived: Promise<void>[] = []
  await runWorkers(conc, envelopes.length, async (index) => {
    const { content, envelope } = envelopes[index] as PackedMessage
    const posted = performance.now()
    arrived.push(streams.arrivals.until(content, WITHIN_S).then((at) => void latencies.push(at - posted)))
    await lab.http.didcomm(envelope)
    acks.push(performance.now() - posted)
  })
  const perSecond = (1000 * envelopes.length) / (performance.now() - start)
  await Promise.all(arrived)
  const more = {
    ack_per_s: Number(perSecond.toFixed(1)),
    ack_p50_ms: percentile(acks, 0.5),
    ack_p99_ms: percentile(acks, 0.99),
  }
  return { latencies, more }
}

const ONE_TENANT = 'inbound envelope, one tenant, to webhook'
const SIXTEEN_TENANTS = 'inbound envelope, 16 tenants, to webhook'

export const inboundOneTenant: Scenario = {
  name: ONE_TENANT,
  run: (lab): AsyncIterable<Result> =>
    inbound(lab, ONE_TENANT, 1, [
      { conc: 1, n: 200 },
      { conc: 16, n: 1000 },
    ]),
}

export const inboundSixteenTenants: Scenario = {
  name: SIXTEEN_TENANTS,
  run: (lab): AsyncIterable<Result> => inbound(lab, SIXTEEN_TENANTS, 16, [{ conc: 16, n: 1000 }]),
}
