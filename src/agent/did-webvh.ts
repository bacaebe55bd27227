import type { GuardedFetch } from '../lib/guarded-fetch.js'
import type { OutsideResolution } from './did-resolvers.js'
import { placeUrl } from './did-web.js'
import { type LogEntry, verifyLog, type WitnessProof } from './webvh-log.js'

/** Resolves did:webvh (version 1.0) by the guarded fetch. Plain http is for localhost only. */
export function didWebvhResolver(fetch: GuardedFetch): (did: string) => Promise<OutsideResolution> {
  const get = async (url: string) => {
    const { status, body } = await fetch.fetch(url)
    return status === 200 ? body.toString() : undefined
  }
  return async (did) => {
    const url = placeUrl(did.split(':').slice(3))
    if (!url) return { error: 'invalidDid' }
    const text = await get(`${url}/did.jsonl`)
    if (text === undefined) return { error: 'notFound' }
    try {
      const log = text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line) as LogEntry)
      const hasWitnesses = log.some(({ parameters }) => (parameters.witness?.witnesses?.length ?? 0) > 0)
      const approvals = hasWitnesses ? await get(`${url}/did-witness.json`) : undefined
      const witnessed = approvals === undefined ? [] : (JSON.parse(approvals) as WitnessProof[])
      const { document, deactivated, ...metadata } = await verifyLog(log, did, witnessed)
      return deactivated ? { document: null, metadata: { ...metadata, deactivated } } : { document, metadata }
    } catch {
      return { error: 'invalidDidDocument' }
    }
  }
}
