import { type DidCommOutOfBandInvitation, parseInvitationJson, parseInvitationUrl } from '@credo-ts/didcomm'
import { badInput } from '../lib/errors.js'
import type { GuardedFetch } from '../lib/guarded-fetch.js'

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
  const carries = (candidate: string) => ['oob', 'c_i', 'd_m'].some((name) => new URL(candidate).searchParams.has(name))
  if (carries(url)) return parsed(field, () => parseInvitationUrl(url))
  if (!/^https?:/i.test(url))
    throw badInput('This URL carries no invitation, and can lead to one only by http or https.', field)
  const answer = await fetch.fetch(url, { headers: { accept: 'application/json' } })
  if (carries(answer.url)) return parsed(field, () => parseInvitationUrl(answer.url))
  return parsed(field, () => parseInvitationJson(JSON.parse(answer.body.toString())))
}

/** The invitation that a message is. @throws BAD_USER_INPUT with `field` */
export function invitationOf(message: object, field: string): () => DidCommOutOfBandInvitation {
  return parsed(field, () => parseInvitationJson(structuredClone(message) as Record<string, unknown>))
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
