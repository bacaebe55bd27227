import {
  AckStatus,
  DidCommAckMessage,
  DidCommFeaturesDiscloseMessage,
  DidCommFeaturesDisclosuresMessage,
  type DidCommMessageHandlerMiddleware,
  DidCommProblemReportError,
} from '@credo-ts/didcomm'
import { isGatewayError } from '../lib/errors.js'
import { currentUnit } from '../storage/unit.js'
import { RequestNotTaken, refusalOf } from './connection-refusal.js'
import { isReportOfEnded } from './exchanges/ended-exchanges.js'
import { abandonExchange } from './exchanges/failed-exchanges.js'
import { featureOf, isDisclosed, isOff } from './features.js'
import { NotTaken } from './not-taken.js'
import { needsOf } from './outside-needs.js'
import { WalletOwner } from './ports.js'

/**
 * A message of a feature that is off is not handled: its sender is told by a problem report (Aries RFC 0035). Reports
 * are not answered by reports.
 */
export const refuseWhatIsOff: DidCommMessageHandlerMiddleware = async ({ agentContext, message }, next) => {
  const feature = featureOf(message.type)
  if (!feature || !agentContext.dependencyManager.isRegistered(WalletOwner)) return next()
  if (!isOff(agentContext.resolve(WalletOwner).settings, feature)) return next()
  if (message.type.endsWith('/problem-report')) return
  throw new DidCommProblemReportError('This agent does not take messages of this protocol', {
    problemCode: 'feature-not-enabled',
  })
}

/**
 * A message that its sender lets hold up to a time only (Aries RFC 0032) is not handled after it, and changes nothing.
 * Reports are not answered by reports.
 */
export const refuseWhatHasExpired: DidCommMessageHandlerMiddleware = async ({ message }, next) => {
  const expires = message.timing?.expiresTime
  if (expires === undefined || expires.getTime() > Date.now()) return next()
  if (message.type.endsWith('/problem-report')) return
  throw new DidCommProblemReportError('The message has expired', { problemCode: 'message-expired' })
}

/** A report that comes when its exchange has ended changes nothing any more. */
export const ignoreLateReports: DidCommMessageHandlerMiddleware = async (message, next) => {
  if (!(await isReportOfEnded(message))) await next()
}

/** An acknowledgement that tells no outcome yet (Aries RFC 0015) ends nothing: the one that does is to come. */
export const ignorePendingAcks: DidCommMessageHandlerMiddleware = async ({ message }, next) => {
  if (!(message instanceof DidCommAckMessage && message.status === AckStatus.PENDING)) await next()
}

/** Protocols that are switched off for a tenant are not disclosed either (Aries RFC 0557, 0031). */
export const discloseWhatIsOn: DidCommMessageHandlerMiddleware = async (inbound, next) => {
  await next()
  const { agentContext, responseMessage } = inbound
  if (!agentContext.dependencyManager.isRegistered(WalletOwner)) return
  const { settings } = agentContext.resolve(WalletOwner)
  const isOn = (id: string) => isDisclosed(settings, id)
  const answer = responseMessage?.message
  if (answer instanceof DidCommFeaturesDisclosuresMessage)
    answer.disclosures = answer.disclosures.filter(({ id }) => isOn(id))
  if (answer instanceof DidCommFeaturesDiscloseMessage)
    answer.protocols = answer.protocols.filter(({ protocolId }) => isOn(protocolId))
}

/** What the base wallet is spoken to about: it does relay and mediation, and nothing else. */
const OF_BASE =
  /\/(connections|didexchange|out-of-band|coordinate-mediation|routing|messagepickup|trust_ping|discover-features|notification|report-problem)\/\d+\.\d+\/[^/]+$/

/** Anything else is refused by the base wallet as a feature is that is off. */
export const refuseWhatIsNotOfBase: DidCommMessageHandlerMiddleware = async ({ agentContext, message }, next) => {
  if (agentContext.dependencyManager.isRegistered(WalletOwner) || OF_BASE.test(message.type)) return next()
  if (message.type.endsWith('/problem-report')) return
  throw new DidCommProblemReportError('This agent does not take messages of this protocol', {
    problemCode: 'feature-not-enabled',
  })
}

/**
 * A handler that fails half way leaves nothing of its half behind; the other side is told by a problem report, which
 * says no more than that. An exchange that it was a step of is abandoned.
 */
export const undoFailedHandling: DidCommMessageHandlerMiddleware = async (message, next) => {
  const unit = currentUnit()
  const before = unit?.savepoint()
  try {
    await next()
  } catch (error) {
    // Made while the sender's DID, which came with the message, is still known.
    const isRefused = isGatewayError(error, 'QUOTA_EXCEEDED') || error instanceof RequestNotTaken
    const refuse = isRefused ? await refusalOf(message) : undefined
    if (unit && before) unit.restore(before)
    if (refuse) return refuse()
    // What is not known yet, or cannot be read now, says nothing about the message: the unit is run again, or fails.
    if (unit && (unit.broken || needsOf(unit).length > 0)) throw error
    if (error instanceof NotTaken) throw error
    const abandoned = await abandonExchange(message)
    if (!abandoned && error instanceof DidCommProblemReportError) throw error
    message.agentContext.config.logger.warn('A message could not be processed', { error })
    // Without a connection there is nobody to tell.
    if (abandoned && !message.connection) return
    if (abandoned) throw abandoned
    throw new DidCommProblemReportError('The message could not be processed', {
      problemCode: 'message-processing-error',
    })
  }
}
