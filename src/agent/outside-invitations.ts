import { type DidCommOutOfBandInvitation, parseInvitationJson, parseInvitationUrl } from '@credo-ts/didcomm'
import { badInput } from '../lib/errors.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'
import { assertPlain } from './plain-json.js'

/**
 * Reads the invitation in a URL, or behind a short one. The parsing is done anew for each unit of work that it is for.
 * @throws BAD_USER_INPUT with `field`, PEER_UNREACHABLE for a short URL
 */
export async function invitationAt(
  url: string,
  fetch: GuardedFetch,
  field: string,
): Promise<() => DidCommOutOfBandInvitation> {
  if (!URL.canParse(url)) throw badInput('This is not a URL.', field)
  const carries = (candidate: string) => PARAMETERS.some((name) => new URL(candidate).searchParams.has(name))
  if (carries(url)) return parsed(field, () => invitationIn(url))
  if (!/^https?:/i.test(url))
    throw badInput('This URL carries no invitation, and can lead to one only by http or https.', field)
  const answer = await fetch.fetch(url, { headers: { accept: 'application/json' } })
  if (carries(answer.url)) return parsed(field, () => invitationIn(answer.url))
  return parsed(field, () => invitationFrom(JSON.parse(answer.body.toString())))
}

/** Names of the parameter that an invitation is in. */
const PARAMETERS = ['oob', 'c_i', 'd_m']

function invitationIn(url: string): DidCommOutOfBandInvitation {
  const { searchParams } = new URL(url)
  for (const name of PARAMETERS) assertPlain(searchParams.get(name) ?? '', 'base64')
  return parseInvitationUrl(url)
}

function invitationFrom(json: Record<string, unknown>): DidCommOutOfBandInvitation {
  assertPlain(json)
  return parseInvitationJson(json)
}

/** The invitation that a message is. @throws BAD_USER_INPUT with `field` */
export function invitationOf(message: object, field: string): () => DidCommOutOfBandInvitation {
  return parsed(field, () => invitationFrom(structuredClone(message) as Record<string, unknown>))
}

/** A parser that says plainly that what it was given is no invitation; tried once at once. */
function parsed(field: string, parse: () => DidCommOutOfBandInvitation): () => DidCommOutOfBandInvitation {
  const parser = () => {
    try {
      return parse()
    } catch (cause) {
      throw badInput('This is not an invitation. Copy it whole from the inviting agent.', field, cause)
    }
  }
  parser()
  return parser
}
