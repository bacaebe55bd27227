import {
  type AnonCredsProof,
  type AnonCredsVerifierService,
  AnonCredsVerifierServiceSymbol,
  fetchCredentialDefinition,
  fetchRevocationRegistryDefinition,
  fetchSchema,
} from '@credo-ts/anoncreds'
import {
  type AgentContext,
  JsonTransformer,
  type W3cJsonLdVerifiableCredential,
  W3cJsonLdVerifiablePresentation,
} from '@credo-ts/core'
import { answersRequest, type Referred } from '../anoncreds/answered-request.js'
import { provedValue, readShown, type ShownCredential } from '../anoncreds/w3c-presentation.js'
import { type Descriptor, passes, proved, requestOf, told } from './presentation-definition.js'
import { placesIn } from './submission.js'

/** A credential of the presentation, and the descriptor that it answers. */
interface Answer {
  descriptor: Descriptor
  index: number
  credential: ShownCredential
}

/**
 * Checks a presentation (DIF Presentation Exchange, credentials of AnonCreds in the W3C form) against what was asked.
 * The library checks that the parts of it hold. What answers what, and what values are written beside the proofs, is the
 * prover's word, and is checked here:
 *
 * 1. each descriptor is answered by one credential, and each credential answers one at least;
 * 2. its values are those that the proof reveals, and as they had to be;
 * 3. its issuer and definition are among those that were asked for, and the definition is that issuer's;
 * 4. all that holds of presentations in the AnonCreds form: see {@link answersRequest}.
 *
 * @param asked what, what the proof is bound to, and when it was asked (seconds since the epoch)
 * @returns what is told, by descriptor; undefined where it does not hold
 */
export async function verifyShown(
  context: AgentContext,
  presented: unknown,
  asked: { definitionId: string; descriptors: readonly Descriptor[]; nonce: string; at: number },
): Promise<Record<string, Record<string, string>> | undefined> {
  if (typeof presented !== 'object' || presented === null) return undefined
  // What is looked at is what the library is given.
  const presentation = JsonTransformer.fromJSON(presented, W3cJsonLdVerifiablePresentation)
  const json = JsonTransformer.toJSON(presentation) as Record<string, unknown>
  const answers = answersOf(asked.descriptors, asked.definitionId, json)
  const values = answers?.map(valuesOf)
  if (!answers || !values?.every((one) => one !== undefined)) return undefined
  const referred = await refer(context, answers)
  const isIssuers = ({ credential: { issuer, identifier } }: Answer) =>
    referred.definitions[identifier.cred_def_id]?.issuerId === issuer
  if (!answers.every(isIssuers)) return undefined
  const request = requestOf(
    answers.map(({ descriptor }) => descriptor),
    asked.nonce,
    (index) => timeOf(answers[index] as Answer, asked.at),
    (_, index) => [{ cred_def_id: (answers[index] as Answer).credential.identifier.cred_def_id }],
  )
  if (!answersRequest(inAnonCredsForm(answers, values, credentialsOf(json)), request, referred)) return undefined
  const shown = [presentation.verifiableCredential].flat() as W3cJsonLdVerifiableCredential[]
  const { schemas, definitions: credentialDefinitions } = referred
  const holds = await context
    .resolve<AnonCredsVerifierService>(AnonCredsVerifierServiceSymbol)
    .verifyW3cPresentation(context, {
      presentation,
      proofRequest: request,
      ...{ schemas, credentialDefinitions },
      credentialsWithRevocationMetadata: shown.map((credential, index) => {
        const own = answers.find((answer) => answer.index === index && answer.descriptor.active)
        const nonRevoked = own?.credential.identifier.rev_reg_id ? timeOf(own, asked.at) : undefined
        return { credential, nonRevoked: nonRevoked === undefined ? undefined : { from: nonRevoked, to: nonRevoked } }
      }) as never,
    })
  if (!holds) return undefined
  return Object.fromEntries(answers.map(({ descriptor }, index) => [descriptor.id, values[index] as Values]))
}

type Values = Record<string, string>

const credentialsOf = ({ verifiableCredential }: Record<string, unknown>): unknown[] => [verifiableCredential].flat()

function answersOf(
  descriptors: readonly Descriptor[],
  definitionId: string,
  json: Record<string, unknown>,
): Answer[] | undefined {
  const credentials = credentialsOf(json).map(readShown)
  const places = placesIn(json['presentation_submission'], definitionId, descriptors, credentials.length)
  const answers = places?.map((index, at): Answer | undefined => {
    const [credential, descriptor] = [credentials[index], descriptors[at] as Descriptor]
    return credential && mayAnswer(credential, descriptor) ? { descriptor, index, credential } : undefined
  })
  return answers?.every((answer) => answer !== undefined) ? answers : undefined
}

function mayAnswer({ issuer, identifier }: ShownCredential, { issuers, definitions }: Descriptor): boolean {
  return (issuers?.includes(issuer) ?? true) && (definitions?.includes(identifier.cred_def_id) ?? true)
}

function valuesOf({ descriptor, credential }: Answer): Values | undefined {
  const values: Values = {}
  for (const { name, filter } of descriptor.attributes) {
    const value = provedValue(credential, name)
    if (value === undefined || !passes(value, filter)) return undefined
    values[name] = value
  }
  return values
}

/** A status list of a later time than the question tells no less. */
function timeOf({ credential: { identifier } }: Answer, askedAt: number): number {
  const { timestamp = 0 } = identifier
  return timestamp > askedAt && timestamp <= Date.now() / 1000 ? timestamp : askedAt
}

async function refer(context: AgentContext, answers: readonly Answer[]): Promise<Referred> {
  const referred: Referred = { schemas: {}, definitions: {}, registries: {} }
  for (const { descriptor, credential } of answers) {
    const { schema_id: schemaId, cred_def_id: definitionId, rev_reg_id: registryId } = credential.identifier
    referred.schemas[schemaId] ??= (await fetchSchema(context, schemaId)).schema
    const found = await fetchCredentialDefinition(context, definitionId)
    referred.definitions[definitionId] = found.credentialDefinition
    if (!registryId || !descriptor.active) continue
    const registry = await fetchRevocationRegistryDefinition(context, registryId)
    referred.registries[registryId] = registry.revocationRegistryDefinition
  }
  return referred
}

/** The same as the AnonCreds form has it, as far as it is checked by itself. */
function inAnonCredsForm(
  answers: readonly Answer[],
  values: readonly (Values | undefined)[],
  credentials: readonly unknown[],
): AnonCredsProof {
  const shown = credentials.map((_, index) => (answers.find((answer) => answer.index === index) as Answer).credential)
  const groups = answers.flatMap(({ descriptor, index }, at) => {
    const raw = Object.entries(values[at] ?? {}).map(([name, value]) => [name, { raw: value, encoded: '' }])
    const group = { sub_proof_index: index, values: Object.fromEntries(raw) }
    return descriptor.attributes.length > 0 ? [[told(at), group] as const] : []
  })
  const predicates = answers.flatMap(({ descriptor, index }, at) =>
    descriptor.predicates.map((_, which) => [proved(at, which), { sub_proof_index: index }] as const),
  )
  return {
    requested_proof: {
      revealed_attrs: {},
      revealed_attr_groups: Object.fromEntries(groups),
      unrevealed_attrs: {},
      self_attested_attrs: {},
      predicates: Object.fromEntries(predicates),
    },
    proof: { proofs: shown.map(({ subProof }) => subProof) },
    identifiers: shown.map(({ identifier }) => identifier),
  } as unknown as AnonCredsProof
}
