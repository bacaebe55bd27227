import { dirname } from 'node:path'
import type { AnonCredsRegistry, TailsFileService } from '@credo-ts/anoncreds'
import type { DidResolver } from '@credo-ts/core'
import type { StockAgent, StockStore } from './stock-agent.js'
import { startStockAgent } from './stock-agent.js'

/** Stock Credo finds no attested resource of a DID whose host names a port, and goes by plain http only to localhost. */
export const STOCK_PORT = 80

export type StockWallet = StockAgent & { modules: { anoncreds: import('@credo-ts/anoncreds').AnonCredsApi } }

/** A store in a file, of a wallet with AnonCreds. */
export const stockStore = (path: string): StockStore => ({
  id: 'a-wallet',
  key: 'a passphrase',
  keyDerivationMethod: 'kdf:argon2i:int',
  database: { type: 'sqlite', config: { path } },
})

/** Where DIDs and AnonCreds objects are, in place of did:webvh. */
export interface OtherMethod {
  registry: AnonCredsRegistry
  resolver: DidResolver
  tailsFileService: TailsFileService
}

/**
 * An agent as Credo's documentation sets one up to issue, hold and prove AnonCreds by did:webvh: it accepts what it is
 * offered and proves what it is asked.
 */
export async function startStockWallet(path: string, port: number, by?: OtherMethod): Promise<StockWallet> {
  const { loadAskar } = await import('../../src/askar/index.js')
  await loadAskar({ binding: 'koffi' })
  // Before what takes the library that is registered as it is imported.
  const { anoncredsNodeJS } = await import('@hyperledger/anoncreds-nodejs')
  const anoncreds = await import('@credo-ts/anoncreds')
  const { DidsModule, KeyDidRegistrar, KeyDidResolver, PeerDidRegistrar, PeerDidResolver } = await import(
    '@credo-ts/core'
  )
  const didcomm = await import('@credo-ts/didcomm')
  const { WebVhAnonCredsRegistry, WebVhDidRegistrar, WebVhDidResolver } = await import('@credo-ts/webvh')
  const credentialFormats = [
    new anoncreds.AnonCredsDidCommCredentialFormatService(),
    new anoncreds.DataIntegrityDidCommCredentialFormatService(),
  ]
  const proofFormats = [
    new anoncreds.AnonCredsDidCommProofFormatService(),
    new didcomm.DidCommDifPresentationExchangeProofFormatService(),
  ]
  const agent = await startStockAgent(stockStore(path), port, undefined, false, {
    folder: dirname(path),
    didcomm: {
      credentials: {
        autoAcceptCredentials: didcomm.DidCommAutoAcceptCredential.Always,
        credentialProtocols: [new didcomm.DidCommCredentialV2Protocol({ credentialFormats })],
      } as never,
      proofs: {
        autoAcceptProofs: didcomm.DidCommAutoAcceptProof.Always,
        proofProtocols: [new didcomm.DidCommProofV2Protocol({ proofFormats })],
      } as never,
    },
    modules: {
      anoncreds: new anoncreds.AnonCredsModule({
        anoncreds: anoncredsNodeJS,
        registries: [by?.registry ?? new WebVhAnonCredsRegistry()],
        ...(by && { tailsFileService: by.tailsFileService }),
      }),
      dids: new DidsModule({
        resolvers: [by?.resolver ?? new WebVhDidResolver(), new PeerDidResolver(), new KeyDidResolver()],
        registrars: [new PeerDidRegistrar(), new KeyDidRegistrar(), new WebVhDidRegistrar()],
      }),
    },
  })
  return agent as StockWallet
}
