import { type AgentContext, DidResolverService } from '@credo-ts/core'
import { parseCheqdId } from '../cheqd-resolvers.js'
import { LedgerRegistry } from './ledger-registry.js'

/**
 * AnonCreds objects of cheqd networks. They stay on the ledger for ever, but nobody can revoke for a DID that is
 * deactivated: so nothing of it counts any more, as with did:webvh.
 */
export class CheqdRegistry extends LedgerRegistry {
  readonly methodName = 'cheqd'
  readonly supportedIdentifier = /^did:cheqd:/

  protected override async isInForce(context: AgentContext, id: string): Promise<boolean> {
    const { did } = parseCheqdId(id) ?? {}
    if (did === undefined) return false
    const resolver = context.resolve(DidResolverService)
    const { didDocument } = await resolver.resolve(context, did, { useLocalCreatedDidRecord: false })
    return didDocument !== null
  }
}
