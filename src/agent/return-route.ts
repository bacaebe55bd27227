import type { DidCommMessageHandlerMiddleware } from '@credo-ts/didcomm'
import { base58Encode } from '../lib/base58.js'
import { currentUnit, type Unit } from '../storage/unit.js'

/** What a message asks for (Aries RFC 0092): that answers come back by the way that it has come. */
export interface ReturnRoute {
  /** The key that has sealed it, base58; what is sealed for that key may go back. */
  to: string
  /** The thread whose messages may go back; absent where all may. */
  thread?: string
}

/** Whether this gateway's own messages may ask for a return route: where it has no address that answers could come to. */
export class ReturnRouteRule {
  constructor(readonly mayAsk: boolean) {}
}

interface Asked {
  route?: ReturnRoute
  answers: number
  /** Called as soon as it is known, so that it counts for what is committed with it. */
  listener: (route: ReturnRoute) => void
}

const asked = new WeakMap<Unit, Asked>()

/** Hears of the return route that the message of a unit asks for. */
export function onReturnRoute(unit: Unit, listener: (route: ReturnRoute) => void): void {
  asked.set(unit, { answers: 0, listener })
}

/** How many messages a unit has made that may go back by the route that its message asked for; undefined without one. */
export function answersOf(unit: Unit): number | undefined {
  const { route, answers = 0 } = asked.get(unit) ?? {}
  return route && answers
}

/** @returns whether a message may go back by the route that the unit's message asked for */
export function noteAnswer(unit: Unit, to: string, thread: string): boolean {
  const own = asked.get(unit)
  if (own?.route?.to !== to || (own.route.thread !== undefined && own.route.thread !== thread)) return false
  own.answers += 1
  return true
}

/** The sender is who it says, for only it can have sealed the message. Of an anonymous one nothing goes back. */
export const noteReturnRoute: DidCommMessageHandlerMiddleware = async ({ message, senderKey }, next) => {
  const unit = currentUnit()
  const own = unit && asked.get(unit)
  if (own && senderKey && message.hasAnyReturnRoute()) {
    const thread = message.hasReturnRouting()
      ? {}
      : { thread: message.transport?.returnRouteThread ?? message.threadId }
    own.route = { to: base58Encode(senderKey.publicKey.publicKey), ...thread }
    own.listener(own.route)
  }
  return next()
}
