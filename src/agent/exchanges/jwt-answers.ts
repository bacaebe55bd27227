import {
  type AgentContext,
  ClaimFormat,
  CredoError,
  DidRepository,
  DidsApi,
  getPublicJwkFromVerificationMethod,
  JsonTransformer,
  utils,
  type W3cCredentialRecord,
  W3cCredentialRepository,
  W3cCredentialService,
  W3cJwtVerifiableCredential,
  W3cJwtVerifiablePresentation,
  W3cPresentation,
} from '@credo-ts/core'
import type { Answers, Match } from './answers.js'
import { type Descriptor, passes } from './presentation-definition.js'
import { placesIn, submissionOf } from './submission.js'

/**
 * By W3C Verifiable Credentials 1.1 that are JWTs, in a presentation that is one. Credo checks signatures, times, challenge
 * and domain, and refuses what names a status, which it cannot look up. Whose the credential is it takes from the
 * `controller` of the key that signs, which a DID document can say of anybody; and one of nobody it lets anybody show. So
 * here the key must be one of the document of the DID that the credential is about.
 */
export const jwtAnswers: Answers = {
  async fitting(context, descriptors) {
    const fitting: Record<string, Match[]> = {}
    for (const descriptor of descriptors) {
      const records = await context.resolve(W3cCredentialRepository).findByQuery(context, {
        claimFormat: ClaimFormat.JwtVc,
        ...(descriptor.issuers && { $or: descriptor.issuers.map((issuerId) => ({ issuerId })) }),
      })
      const found: Match[] = []
      for (const record of records.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())) {
        const { firstCredential: credential } = record
        if (!(credential instanceof W3cJwtVerifiableCredential) || !valuesOf(descriptor, credential)) continue
        const { expirationDate, issuerId, type } = credential
        if (expirationDate !== undefined && Date.parse(expirationDate) <= Date.now()) continue
        if (!(await isOwn(context, subjectOf(credential)))) continue
        const info = { attributes: claimsOf(credential), issuerDid: issuerId, type, createdAt: record.createdAt }
        found.push({ credentialId: record.id, credentialInfo: info })
      }
      fitting[descriptor.id] = found
    }
    return fitting
  },

  async present(context, { definitionId, descriptors, challenge, domain }, { records, places }) {
    const credentials = records.map(jwtIn)
    const [subject, ...others] = new Set(credentials.map(subjectOf))
    if (subject === undefined || others.length > 0) throw new CredoError('The credentials are not about one DID')
    const document = await context.resolve(DidsApi).resolveDidDocument(subject)
    const [key] = document.authentication ?? []
    if (!key) throw new CredoError('The DID that the credentials are about has no key to sign with')
    const method = typeof key === 'string' ? document.dereferenceKey(key, ['authentication']) : key
    const presentation = JsonTransformer.fromJSON(
      {
        '@context': ['https://www.w3.org/2018/credentials/v1'],
        type: ['VerifiablePresentation'],
        holder: subject,
        verifiableCredential: credentials.map(({ serializedJwt }) => serializedJwt),
        presentation_submission: submissionOf(definitionId, descriptors, places, {
          id: utils.uuid(),
          format: 'jwt_vc',
        }),
      },
      W3cPresentation,
    )
    const signed = await context.resolve(W3cCredentialService).signPresentation(context, {
      format: ClaimFormat.JwtVp,
      alg: getPublicJwkFromVerificationMethod(method).signatureAlgorithm,
      verificationMethod: method.id.startsWith('#') ? `${subject}${method.id}` : method.id,
      ...{ presentation, challenge, domain },
    } as never)
    return (signed as W3cJwtVerifiablePresentation).serializedJwt
  },

  async verify(context, { definitionId, descriptors, challenge, domain }, presented) {
    if (typeof presented !== 'string') return undefined
    const presentation = W3cJwtVerifiablePresentation.fromSerializedJwt(presented)
    const { vp } = presentation.jwt.payload.additionalClaims as { vp?: { presentation_submission?: unknown } }
    const shown = [presentation.presentation.verifiableCredential].flat()
    const places = placesIn(vp?.presentation_submission, definitionId, descriptors, shown.length)
    if (!places || !shown.every((one) => one instanceof W3cJwtVerifiableCredential)) return undefined
    const { kid } = presentation.jwt.header
    const isSubjects = shown.every((one) => {
      const subject = subjectOf(one)
      return subject !== undefined && (kid?.startsWith(`${subject}#`) ?? false)
    })
    if (!isSubjects) return undefined
    const told = descriptors.map((descriptor, index) => {
      const credential = shown[places[index] as number] as W3cJwtVerifiableCredential
      return [descriptor.id, valuesOf(descriptor, credential)] as const
    })
    if (!told.every(([, values]) => values !== undefined)) return undefined
    const service = context.resolve(W3cCredentialService)
    const { isValid } = await service.verifyPresentation(context, {
      presentation,
      challenge,
      ...(domain && { domain }),
    })
    return isValid ? (Object.fromEntries(told) as Record<string, Record<string, unknown>>) : undefined
  },
}

function jwtIn({ firstCredential }: W3cCredentialRecord): W3cJwtVerifiableCredential {
  if (!(firstCredential instanceof W3cJwtVerifiableCredential)) throw new CredoError('A credential is no JWT')
  return firstCredential
}

/** The one DID that a credential is about. */
function subjectOf({ credentialSubjectIds: [subject, ...others] }: W3cJwtVerifiableCredential): string | undefined {
  return subject?.startsWith('did:') && others.length === 0 ? subject : undefined
}

const isOwn = async (context: AgentContext, did: string | undefined) =>
  did !== undefined && (await context.resolve(DidRepository).findCreatedDid(context, did)) !== null

function claimsOf({ credentialSubject }: W3cJwtVerifiableCredential): Record<string, unknown> {
  const [subject] = [credentialSubject].flat()
  return { ...subject?.claims }
}

/** What a descriptor asks to be told of a credential. @returns undefined where it is none that answers it */
function valuesOf(descriptor: Descriptor, credential: W3cJwtVerifiableCredential): Record<string, unknown> | undefined {
  const { issuers, types = [], attributes } = descriptor
  if (issuers && !issuers.includes(credential.issuerId)) return undefined
  if (!types.every((some) => some.some((type) => credential.type.includes(type)))) return undefined
  const claims = claimsOf(credential)
  const values = attributes.map(({ name, filter }) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
    return [name, !filter || (isScalar && passes(String(value), filter)) ? value : undefined] as const
  })
  return values.every(([, value]) => value !== undefined) ? Object.fromEntries(values) : undefined
}
