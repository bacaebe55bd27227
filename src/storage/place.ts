/**
 * Where a wallet lies: in a profile of the shared store, or in a store of its own (a SQLite file, a schema in
 * Postgres), which has one profile.
 */
export type Place = { kind: 'PROFILE'; profile: string } | { kind: 'STORE'; store: string }

/** Its name, which no other place ever has. */
export const nameOf = (place: Place) => (place.kind === 'STORE' ? place.store : place.profile)

/** The one profile of a store of its own. */
export const OWN_PROFILE = 'wallet'
