import { z } from 'zod'
import type { Descriptor } from './presentation-definition.js'

const submission = z.object({
  definition_id: z.string(),
  descriptor_map: z
    .array(
      z.strictObject({
        ...{ id: z.string(), format: z.string() },
        path: z.string().regex(/^\$\.(?:vp\.)?verifiableCredential\[\d{1,2}\]$/),
      }),
    )
    .max(20),
})

/**
 * Which credential of a presentation is to answer each descriptor, as the prover says it (DIF Presentation Exchange, 6):
 * each descriptor by one, and each credential one at least.
 * @returns undefined where it says anything else
 */
export function placesIn(
  submitted: unknown,
  definitionId: string,
  descriptors: readonly Descriptor[],
  count: number,
): number[] | undefined {
  const { success, data } = submission.safeParse(submitted)
  if (!success || data.definition_id !== definitionId || data.descriptor_map.length !== descriptors.length) return
  const places = descriptors.map((descriptor) => {
    const named = data.descriptor_map.filter(({ id }) => id === descriptor.id)
    return named.length === 1 ? Number(/\d+/.exec(named[0]?.path ?? '')) : -1
  })
  const isWhole = Array.from({ length: count }, (_, place) => place).every((place) => places.includes(place))
  return isWhole && places.every((place) => place >= 0 && place < count) ? places : undefined
}

/** What says so of credentials that are at these places. */
export const submissionOf = (
  definitionId: string,
  descriptors: readonly Descriptor[],
  places: readonly number[],
  { id, format }: { id: string; format: string },
) => ({
  id,
  definition_id: definitionId,
  descriptor_map: descriptors.map((descriptor, index) => ({
    ...{ id: descriptor.id, format, path: `$.verifiableCredential[${places[index]}]` },
  })),
})
