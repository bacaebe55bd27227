import { z } from 'zod'
import { logLevels } from '../lib/logger.js'
import { type Chosen, withDefaults } from './choices.js'

const AUTO_ACCEPT = ['ALWAYS', 'CONTENT_APPROVED', 'NEVER'] as const

/** A tenant's own choices. */
export const settingsSchema = z.strictObject({
  autoAcceptConnections: z
    .boolean()
    .default(true)
    .describe(
      'true or false: whether handshakes go on by themselves. It counts where createInvitation or receiveInvitation gets `autoAccept: null`, and for invitations of offerCredential and requestProof with `handshake: true`; not where `autoAccept` is absent, which is true.',
    ),
  autoAcceptCredentials: z
    .enum(AUTO_ACCEPT)
    .default('CONTENT_APPROVED')
    .describe('ALWAYS, CONTENT_APPROVED or NEVER: which steps of credential exchanges go on by themselves.'),
  autoAcceptProofs: z
    .enum(AUTO_ACCEPT)
    .default('CONTENT_APPROVED')
    .describe('ALWAYS, CONTENT_APPROVED or NEVER: which steps of proof exchanges go on by themselves.'),
  mediates: z
    .boolean()
    .default(false)
    .describe('true or false: whether agents that are connected may have this tenant mediate for them.'),
  invitationLabel: z
    .string()
    .regex(/^(?!\s*$)[^\p{Cc}\p{Cs}]{1,255}$/u)
    .nullable()
    .default(null)
    .describe("1 to 255 characters: the label of invitations that name none, in place of the tenant's."),
  invitationImageUrl: z
    .url({ protocol: /^https?$/ })
    .max(4096)
    .nullable()
    .default(null)
    .describe("An http or https URL: the picture in invitations, in place of the tenant's."),
  idleTimeout: z
    .int()
    .min(5)
    .max(86_400)
    .default(600)
    .describe(
      '5 to 86400 seconds: after this time without a request or an inbound message an unmanaged wallet is locked.',
    ),
  logLevel: z
    .enum(logLevels)
    .nullable()
    .default(null)
    .describe(`${logLevels.join(', ')}: what is logged of this tenant's work, in place of the gateway's own level.`),
})

export type TenantSettings = z.output<typeof settingsSchema>

/** All settings of a tenant, with the defaults of those that it has not chosen. */
export const settingsOf = ({ settings }: { settings: Chosen }): TenantSettings => withDefaults(settingsSchema, settings)
