/** Overwrites bytes that have been read: what is only freed stays in memory until something else is written there. */
export const wipe = (bytes: Uint8Array): void => void bytes.fill(0)
