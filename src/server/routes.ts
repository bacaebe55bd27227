/**
 * The first parts of all paths that the gateway itself answers, or may come to answer: nothing is hosted under them.
 * The server takes no router with a route that is missing here.
 */
export const OWN_ROUTES: ReadonlySet<string> = new Set([
  '.well-known',
  'admin',
  'api',
  'audit',
  'didcomm',
  'explorer',
  'exports',
  'graphql',
  'health',
  'imports',
  'invitations',
  'metrics',
  'oid4vc',
  'resources',
  'tails',
])
