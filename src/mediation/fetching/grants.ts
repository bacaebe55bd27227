import { DidCommMediationRole, DidCommMediationState } from '@credo-ts/didcomm'
import type { Profile } from '../../storage/profile.js'
import type { Unit } from '../../storage/unit.js'
import { recordOf } from '../../tenants/wallet-reader.js'
import { GRANT } from '../mediation.view.js'
import { isFetchedFrom } from '../mediator-choice.js'

/** A mediator that holds what is for a wallet until the wallet fetches it. */
export interface FetchedGrant {
  id: string
  connectionId: string
}

/** Those of a wallet that have granted mediation. */
export async function fetchedGrants(reader: Pick<Unit | Profile, 'query'>): Promise<FetchedGrant[]> {
  const query = { role: DidCommMediationRole.Recipient, state: DidCommMediationState.Granted }
  const records = (await reader.query(GRANT, query)).map(recordOf)
  return records.filter(isFetchedFrom).map(({ id, connectionId }) => ({ id, connectionId: String(connectionId) }))
}
