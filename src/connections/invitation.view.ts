import { JsonTransformer } from '@credo-ts/core'
import { DidCommOutOfBandInvitation } from '@credo-ts/didcomm'
import { LRUCache } from 'lru-cache'
import type { AgentPorts, RecordJson, RecordObserver, WalletSettings } from '../agent/ports.js'
import { keyOfExchange, keysOfInvitation } from '../agent/recipient-keys.js'
import { sha256 } from '../lib/ids.js'
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

/**
 * What the short URL of an invitation ends with: 132 bits of what two random ids give, one of which only the wallet has.
 */
function shortIdOf(record: RecordJson): string {
  const message = record['outOfBandInvitation'] as Record<string, unknown>
  return sha256(`${record.id}/${message['@id']}`).toString('base64url').slice(0, 22)
}

/**
 * A stored out-of-band record as the API shows it. `domain` is the tenant's, `chosen` what its URL is to be made with
 * where the record does not say so yet.
 */
export function invitationView(record: RecordJson, domain: string, chosen?: string): InvitationType {
  const message = record['outOfBandInvitation'] as Record<string, unknown>
  return {
    id: record.id,
    role: fromCredo(record['role']),
    state: fromCredo(record['state']),
    label: (message['label'] as string | undefined) ?? null,
    alias: (record['alias'] as string | undefined) ?? null,
    message,
    url: invitationUrl(message, chosen ?? choicesOf(record).domain ?? domain),
    shortUrl: record['role'] === 'sender' ? `${domain}/invitations/${shortIdOf(record)}` : null,
    multiUse: record['reusable'] === true,
    createdAt: String(record['createdAt']),
  }
}

/** An invitation without the offer or request that it carries; undefined where it carries none. */
function withoutRequests(record: RecordJson): RecordJson | undefined {
  const { 'requests~attach': requests, ...message } = record['outOfBandInvitation'] as Record<string, unknown>
  return requests === undefined ? undefined : { ...record, outOfBandInvitation: message }
}

/** An invitation is shown with each change of its record, and again in each answer. */
const urls = new LRUCache<string, string>({ max: 500 })

function invitationUrl(message: Record<string, unknown>, domain: string): string {
  const key = JSON.stringify([domain, message])
  const known = urls.get(key)
  if (known !== undefined) return known
  const url = JsonTransformer.fromJSON(message, DidCommOutOfBandInvitation, { validate: false }).toUrl({ domain })
  urls.set(key, url)
  return url
}

/**
 * Lists invitations, tells of each change of state, serves those that the wallet made by short URLs, and has the keys of those that the wallet made routed to it before
 * they leave: Credo tells of a new key too late, and of some not at all.
 */
export function invitationObserver(ports: AgentPorts, domainOf: (tenant: WalletSettings) => string): RecordObserver {
  return {
    type: 'OutOfBandRecord',
    list: () => 'invitations',
    tags: aliasTag,
    recipientKeys: keysOfInvitation,
    changedInBase: ({ unit, before, after, tags }) =>
      ports.route(unit, !before && after ? keysOfInvitation(after, tags) : []),
    changed({ unit, owner, before, after, tags }) {
      ports.route(unit, !before && after ? keysOfInvitation(after, tags) : keyOfExchange(tags))
      const made = before ?? after
      if (made?.['role'] === 'sender' && !(before && after)) {
        const url = after && invitationView(after, domainOf(owner.settings), domains.get(unit)).url
        ports.publish(unit, { kind: 'INVITATION', id: shortIdOf(made), url })
      }
      if (!after || before?.['state'] === after['state']) return
      const previousState = before ? fromCredo(before['state']) : null
      const invitation = (record: RecordJson) => invitationView(record, domainOf(owner.settings), domains.get(unit))
      // What only the tenant can read in its wallet is not told to the operator.
      const bare = owner.settings.keyMode === 'UNMANAGED' ? withoutRequests(after) : undefined
      ports.event(unit, {
        tenantId: owner.tenantId,
        dispatch: owner.settings.eventDispatch,
        topic: 'INVITATION',
        payload: { previousState, invitation: invitation(after) },
        ...(bare ? { basePayload: { previousState, invitation: { ...invitation(bare), shortUrl: null } } } : {}),
      })
    },
  }
}
