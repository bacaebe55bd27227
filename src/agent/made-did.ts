/** Metadata of the records of DIDs that createDid made; those that handshakes make have none. */
export const MADE = 'tenantry/did'
