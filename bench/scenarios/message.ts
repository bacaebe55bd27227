import { randomUUID } from 'node:crypto'
import { EventStreams } from '../event-streams.js'
import type { Lab, Pair } from '../lab.js'
import { runWorkers } from '../workers.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const PAIRS = 16
const BLOCKS = [
  { conc: 1, n: 100 },
  { conc: 16, n: 1000 },
]
const WARM_UP = 20
const WITHIN_S = 120

/** Gives a function that sends a message over one pair after the other, until the receiver's subscription has it. */
export async function openMessaging(lab: Lab): Promise<{ send(index: number): Promise<void>; close(): Promise<void> }> {
  const pairs = await lab.somePairs(PAIRS)
  const streams = await EventStreams.ofMessages(
    lab,
    pairs.map(({ receiver }) => receiver),
  )
  return {
    send: async (index) => {
      const { sender, connectionId } = pairs[index % pairs.length] as Pair
      const content = `message ${randomUUID()}`
      await lab.api.sendBasicMessage(sender, connectionId, content)
      await streams.arrivals.until(content, WITHIN_S)
    },
    close: () => streams.close(),
  }
}

export const message: Scenario = {
  name: 'message tenant A -> B, to webhook',
  async *run(lab) {
    const { send, close } = await openMessaging(lab)
    try {
      await runWorkers(4, WARM_UP, send)
      for (const { conc, n } of BLOCKS) {
        yield await lab.meter.measure({ scenario: message.name, n, conc }, () => timed(conc, n, send))
      }
    } finally {
      await close()
    }
  },
}
