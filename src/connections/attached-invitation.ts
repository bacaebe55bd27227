import type { DidCommMessage } from '@credo-ts/didcomm'
import { askAgent } from '../agent/agent-errors.js'
import type { WalletAgent } from '../agent/wallet-agent.js'
import type { Unit } from '../storage/unit.js'
import { settingsOf } from '../tenants/settings.js'
import { recordIn } from '../tenants/wallet-reader.js'
import type { InvitationType } from './invitation.type.js'
import { invitationView } from './invitation.view.js'

interface Attached {
  message: DidCommMessage
  /** Aries RFC 0434. */
  goalCode: string
  /** Whether it opens a connection as well, which is accepted as the tenant has set for all. */
  handshake: boolean
  /** What its URL is made with. */
  domain: string
}

/** Makes an invitation that carries a message, for whoever has no connection. In a unit of work of its sender. */
export async function inviteWith(
  agent: WalletAgent,
  unit: Unit,
  { message, goalCode, handshake, domain }: Attached,
): Promise<InvitationType> {
  const { settings } = agent.owner
  const { invitationLabel, invitationImageUrl, autoAcceptConnections } = settingsOf(settings)
  const { id } = await askAgent('invitation', () =>
    agent.oob.createInvitation({
      messages: [message],
      label: invitationLabel ?? settings.label,
      imageUrl: invitationImageUrl ?? settings.imageUrl ?? undefined,
      goalCode,
      handshake,
      autoAcceptConnection: autoAcceptConnections,
    }),
  )
  return invitationView(await recordIn(unit, 'OutOfBandRecord', id, 'invitation'), domain)
}
