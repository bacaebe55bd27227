import { type AgentContext, injectable, JwsService, Kms } from '@credo-ts/core'

type JwsOptions = Parameters<JwsService['createJws']>[1]

/**
 * Signatures of attachments (Aries RFC 0017). Their JWK names its key as a did:key; stock Credo has the id there that the
 * key has in its wallet, which ACA-Py refuses and nobody else should see.
 */
@injectable()
export class AttachmentSignatures extends JwsService {
  override createJws(context: AgentContext, options: JwsOptions): ReturnType<JwsService['createJws']> {
    const { kid } = options.header
    const { jwk } = options.protectedHeaderOptions
    if (typeof kid !== 'string' || !kid.startsWith('did:key:') || !(jwk instanceof Kms.PublicJwk)) {
      return super.createJws(context, options)
    }
    const named = { ...options.protectedHeaderOptions, jwk: { ...jwk.toJson(), kid } }
    return super.createJws(context, { ...options, protectedHeaderOptions: named })
  }
}
