import { writeFileSync } from 'node:fs'
import { base58Encode } from '../../src/lib/base58.js'
import { ed25519Jwk } from '../../src/lib/ed25519.js'
import { type Issuer, OPERATIONS } from '../credentials/story.js'
import { type TestTenant, uniqueName } from '../support/client.js'
import { tempDir } from '../support/services.js'
import { TestPool } from './pool.js'
import { WritableLedger } from './writable-ledger.js'

export const AGREEMENT = { version: '2.1', text: 'Write what you may.', mechanisms: ['at_submission', 'click'] }
const ACCEPTED = { version: AGREEMENT.version, acceptanceMechanism: 'click' }

/** The DID of a seed, and its key as ledgers have it. */
export function ofSeed(seed: string): { id: string; verkey: string } {
  const key = Buffer.from(ed25519Jwk(Buffer.from(seed)).x, 'base64url')
  return { id: base58Encode(key.subarray(0, 16)), verkey: base58Encode(key) }
}

let seeds = 0
/** A seed as people make them up: 32 characters. */
export const newSeed = () => `seed of a test ${process.pid}/${++seeds} `.padEnd(32, '0')

/** A pool of one ledger that can be written to, and what a gateway is told of it. */
export async function openLedger(accepted: object | null = ACCEPTED) {
  const folder = tempDir()
  const ledger = new WritableLedger()
  ledger.agreement = AGREEMENT
  const pool = await TestPool.open(ledger.answer)
  const genesis = `${folder.path}/genesis.txn`
  writeFileSync(genesis, pool.genesis)
  const network = { namespace: 'test', genesis, ...(accepted && { transactionAuthorAgreement: accepted }) }
  return {
    ledger,
    network,
    env: { INDY_NETWORKS: JSON.stringify([network]) },
    async close() {
      await pool.close()
      folder.remove()
    },
  }
}

/** Gives a tenant a DID that the ledger has, as an endorser where no other role is given. */
export async function giveDid(
  tenant: TestTenant,
  ledger: WritableLedger,
  role: string | null = '101',
): Promise<string> {
  const seed = newSeed()
  const { id, verkey } = ofSeed(seed)
  ledger.nym(id, { verkey, role })
  const { createDid } = await tenant.client.ask(OPERATIONS.createDid, { input: { method: 'indy', options: { seed } } })
  return createDid.did.did
}

export const newSchema = (issuerDid: string) => ({
  issuerDid,
  name: uniqueName('degree'),
  version: '1.0',
  attributes: ['name', 'degree', 'year'],
})

/** A tenant that can issue by an Indy ledger. */
export async function makeLedgerIssuer(
  tenant: TestTenant,
  ledger: WritableLedger,
  { revocable = false, revocationRegistrySize = 20 } = {},
): Promise<Issuer> {
  const did = await giveDid(tenant, ledger)
  const { registerSchema } = await tenant.client.ask(OPERATIONS.schema, { input: newSchema(did) })
  const schemaId = registerSchema.schema.id
  const { registerCredentialDefinition } = await tenant.client.ask(OPERATIONS.definition, {
    input: { issuerDid: did, schemaId, tag: 'default', revocable, revocationRegistrySize },
  })
  return { ...tenant, did, schemaId, definitionId: registerCredentialDefinition.credentialDefinition.id }
}
