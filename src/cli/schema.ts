import { Command } from 'commander'

/** `tenantry schema`: the SDL of this version. */
export function schemaCommand(): Command {
  return new Command('schema').description('print the GraphQL schema (SDL)').action(async () => {
    const { schemaText } = await import('../server/schema.js')
    process.stdout.write(schemaText())
  })
}
