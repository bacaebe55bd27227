import { randomUUID } from 'node:crypto'
import { Api, type Tenant } from './api.js'
import { HttpClient } from './client.js'
import { EventStreams } from './event-streams.js'

// Started by the scenario `fairness`, in a process of its own so that what it does takes no time of who measures.

/** What the process is told by its first message. */
export interface HotOrder {
  url: string
  sender: Tenant
  connectionId: string
  receiver: Tenant
  concurrency: number
}

/** What it tells: that it is under way, and at its end how many operations it did in how many seconds. */
export type HotReport = 'under way' | { done: number; seconds: number }

const WITHIN_S = 120

async function run({ url, sender, connectionId, receiver, concurrency }: HotOrder): Promise<void> {
  const api = new Api(new HttpClient(url), '')
  const streams = await EventStreams.ofMessages({ api, gateway: { url } }, [receiver])
  let done = 0
  let going = true
  const work = [
    async () => {
      const content = `hot ${randomUUID()}`
      await api.sendBasicMessage(sender, connectionId, content)
      await streams.arrivals.until(content, WITHIN_S)
    },
    () => api.readConnections(sender),
  ]
  const worker = async (one: () => Promise<void>) => {
    while (going) {
      await one()
      done += 1
    }
  }
  const start = performance.now()
  const workers = Array.from({ length: concurrency }, (_, index) => worker(work[index % 2] as () => Promise<void>))
  process.send?.('under way' satisfies HotReport)
  process.once('message', async () => {
    going = false
    await Promise.all(workers)
    const seconds = (performance.now() - start) / 1000
    await streams.close()
    process.send?.({ done, seconds } satisfies HotReport, () => process.disconnect())
  })
}

process.once('message', (order: HotOrder) => void run(order))
