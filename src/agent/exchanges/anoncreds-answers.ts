import {
  type AnonCredsHolderService,
  AnonCredsHolderServiceSymbol,
  fetchCredentialDefinition,
  fetchSchema,
  getCredentialsForAnonCredsProofRequest,
} from '@credo-ts/anoncreds'
import {
  type AgentContext,
  CredoError,
  JsonTransformer,
  utils,
  type W3cCredentialRecord,
  type W3cJsonLdVerifiableCredential,
} from '@credo-ts/core'
import { sha256 } from '../../lib/ids.js'
import type { Answers, Match } from './answers.js'
import { type Descriptor, passes, proved, requestOf, told } from './presentation-definition.js'
import { verifyShown } from './shown-presentation.js'
import { submissionOf } from './submission.js'

/** By credentials of AnonCreds, in whichever form they were issued; the presentation is in the W3C form. */
export const anoncredsAnswers: Answers = {
  async fitting(context, descriptors) {
    const request = requestOf(descriptors, '0', now)
    const options = { filterByNonRevocationRequirements: false }
    const { attributes, predicates } = await getCredentialsForAnonCredsProofRequest(context, request, options)
    const fitting: Record<string, Match[]> = {}
    for (const [index, descriptor] of descriptors.entries()) {
      const lists: Match[][] = [
        ...(descriptor.attributes.length > 0 ? [attributes[told(index)] ?? []] : []),
        ...descriptor.predicates.map((_, which) => predicates[proved(index, which)] ?? []),
      ]
      const [first = [], ...others] = lists
      fitting[descriptor.id] = first.filter(
        ({ credentialId, credentialInfo }) =>
          others.every((list) => list.some((other) => other.credentialId === credentialId)) &&
          states(credentialInfo.attributes, descriptor),
      )
    }
    return fitting
  },

  async present(context, { definitionId, descriptors, challenge }, { records, places }) {
    const presentation = await present(context, descriptors, places, records, nonceOf(challenge))
    const submission = submissionOf(definitionId, descriptors, places, { id: utils.uuid(), format: 'di_vp' })
    return { ...presentation, presentation_submission: submission }
  },

  verify(context, { definitionId, descriptors, challenge }, presented, askedAt) {
    return verifyShown(context, presented, { definitionId, descriptors, nonce: nonceOf(challenge), at: askedAt })
  },
}

const now = () => Math.floor(Date.now() / 1000)

/** What AnonCreds knows of a credential. */
interface AnonCredsTags {
  anonCredsCredentialDefinitionId?: string
  anonCredsLinkSecretId?: string
  anonCredsRevocationRegistryId?: string
}

/** AnonCreds wants a number: as Credo and ACA-Py make one of the challenge. */
function nonceOf(challenge: string): string {
  return BigInt(`0x${sha256(challenge).toString('hex')}`)
    .toString()
    .slice(0, 20)
}

async function present(
  context: AgentContext,
  descriptors: readonly Descriptor[],
  places: readonly number[],
  records: readonly W3cCredentialRecord[],
  nonce: string,
): Promise<object> {
  const at = now()
  const tags = records.map((record) => record.getTags() as unknown as AnonCredsTags)
  const definitionIds = tags.map(({ anonCredsCredentialDefinitionId: id }) => id)
  const [linkSecretId, ...others] = new Set(tags.map(({ anonCredsLinkSecretId: id }) => id))
  if (others.length > 0) throw new CredoError('The credentials are bound to more than one link secret')
  const request = requestOf(
    descriptors,
    nonce,
    () => at,
    (_, index) => [{ cred_def_id: definitionIds[places[index] ?? -1] ?? '' }],
  )
  const proves = descriptors.flatMap(({ attributes, predicates }, index) => {
    const entryIndex = places[index] as number
    return [
      ...(attributes.length > 0 ? [{ entryIndex, referent: told(index), isPredicate: false, reveal: true }] : []),
      ...predicates.map((_, which) => ({
        entryIndex,
        referent: proved(index, which),
        isPredicate: true,
        reveal: true,
      })),
    ]
  })
  const credentials = records.map((record, place) => {
    const isAsked = descriptors.some(({ active }, index) => active && places[index] === place)
    const isRevocable = tags[place]?.anonCredsRevocationRegistryId !== undefined
    const credential = record.firstCredential as W3cJsonLdVerifiableCredential
    return { credential, nonRevoked: isAsked && isRevocable ? { from: at, to: at } : undefined }
  })
  const schemas: Parameters<AnonCredsHolderService['createW3cPresentation']>[1]['schemas'] = {}
  const definitions: Parameters<AnonCredsHolderService['createW3cPresentation']>[1]['credentialDefinitions'] = {}
  for (const id of definitionIds) {
    if (!id) throw new CredoError('A credential is none of AnonCreds')
    const { credentialDefinition } = await fetchCredentialDefinition(context, id)
    definitions[id] = credentialDefinition
    schemas[credentialDefinition.schemaId] = (await fetchSchema(context, credentialDefinition.schemaId)).schema
  }
  const presentation = await context
    .resolve<AnonCredsHolderService>(AnonCredsHolderServiceSymbol)
    .createW3cPresentation(context, {
      proofRequest: request,
      credentialsProve: proves,
      credentialsWithRevocationMetadata: credentials as never,
      ...{ linkSecretId: linkSecretId ?? '', schemas, credentialDefinitions: definitions },
    })
  return JsonTransformer.toJSON(presentation)
}

function states(attributes: Record<string, unknown>, { attributes: asked, predicates }: Descriptor): boolean {
  const isTold = ({ name, filter }: Descriptor['attributes'][number]) => {
    const value = String(attributes[name] ?? '')
    return !LOSES_SIGN.test(value) && passes(value, filter)
  }
  return (
    asked.every(isTold) && predicates.every(({ name, type, value }) => PROVABLE[type](Number(attributes[name]), value))
  )
}

/** The library packs a negative number that is told without its sign, and then refuses it. */
const LOSES_SIGN = /^-\d{1,10}$/

const PROVABLE = {
  '>=': (a: number, b: number) => a >= b,
  '>': (a: number, b: number) => a > b,
  '<=': (a: number, b: number) => a <= b,
  '<': (a: number, b: number) => a < b,
}
