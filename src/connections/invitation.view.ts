import { JsonTransformer } from '@credo-ts/core'
import { DidCommOutOfBandInvitation } from '@credo-ts/didcomm'
import type { AgentPorts, RecordJson, RecordObserver, WalletSettings } from '../agent/ports.js'
import { keysOf, keysOfFingerprints } from '../agent/recipient-keys.js'
import type { Tags } from '../storage/entry.js'
import type { Unit } from '../storage/unit.js'
import { aliasTag, fromCredo } from './connection.view.js'
import type { InvitationType } from './invitation.type.js'

/** What the tenant chose for an invitation is kept with its record. */
export const CHOICES = 'tenantry/invitation'

/** `domain` is what its URL is made with; `label` and `autoAccept` are for when it is accepted. */
export interface InvitationChoices {
  domain?: string
  label?: string
  autoAccept?: boolean
}

export function choicesOf(record: RecordJson): InvitationChoices {
  return (record['metadata'] as Record<string, InvitationChoices> | undefined)?.[CHOICES] ?? {}
}

const domains = new WeakMap<Unit, string>()

/** Names the domain of the invitation that a unit is about to make: its event is written before its choices are. */
export function setDomain(unit: Unit, domain: string): void {
  domains.set(unit, domain)
}

/** A stored out-of-band record as the API shows it. `domain` is for records that name none. */
export function invitationView(record: RecordJson, domain: string): InvitationType {
  const message = record['outOfBandInvitation'] as Record<string, unknown>
  return {
    id: record.id,
    role: fromCredo(record['role']),
    state: fromCredo(record['state']),
    label: (message['label'] as string | undefined) ?? null,
    alias: (record['alias'] as string | undefined) ?? null,
    message,
    url: invitationUrl(message, choicesOf(record).domain ?? domain),
    multiUse: record['reusable'] === true,
    createdAt: String(record['createdAt']),
  }
}

function invitationUrl(message: Record<string, unknown>, domain: string): string {
  return JsonTransformer.fromJSON(message, DidCommOutOfBandInvitation, { validate: false }).toUrl({ domain })
}

/**
 * Lists invitations, tells of each change of state, and has the keys of those that the wallet made routed to it before
 * they leave: Credo tells of a new key too late, and of some not at all.
 */
export function invitationObserver(ports: AgentPorts, domainOf: (tenant: WalletSettings) => string): RecordObserver {
  /** The key by which this side of an exchange without connection is answered. */
  const keyOfExchange = ({ recipientRoutingKeyFingerprint: own }: Tags) =>
    typeof own === 'string' ? keysOf([own]) : []
  const recipientKeys = (record: RecordJson, tags: Tags) => [
    ...(record['role'] === 'sender' ? keysOfFingerprints(tags, 'recipientKeyFingerprints') : []),
    ...keyOfExchange(tags),
  ]
  return {
    type: 'OutOfBandRecord',
    list: () => 'invitations',
    tags: aliasTag,
    recipientKeys,
    changed({ unit, owner, before, after, tags }) {
      ports.route(unit, !before && after ? recipientKeys(after, tags) : keyOfExchange(tags))
      if (!after || before?.['state'] === after['state']) return
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'INVITATION',
        payload: {
          previousState: before ? fromCredo(before['state']) : null,
          invitation: invitationView(after, domains.get(unit) ?? domainOf(owner.settings)),
        },
      })
    },
  }
}
