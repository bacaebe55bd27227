import type { AnonCredsRegistry } from '@credo-ts/anoncreds'
import type { AgentContext } from '@credo-ts/core'
import type { OutsideDids } from '../../src/agent/did-resolvers.js'
import type { AnonCredsWorkers } from '../../src/anoncreds/index.js'
import { loadAskar } from '../../src/askar/index.js'
import { createLogger } from '../../src/lib/logger.js'
import { tempDir } from '../support/services.js'

const KEY = '7vbGG3kM5vRLvrkHtRsAAZrG3CYUNuuTGJQgRSkMCkyN'

export interface TestWallets {
  /** Does something in one unit of work of a wallet, once what it needs from outside is at hand. */
  in<T>(tenantId: string, work: (context: AgentContext) => Promise<T>): Promise<T>
  remove(): Promise<void>
}

/**
 * Wallets in one SQLite file with an agent over them, and a registry that they share: one in memory unless given.
 *
 * @param methods where DIDs that need the network are found
 */
export async function openWallets(
  workers: AnonCredsWorkers,
  tenantIds: string[],
  registry?: AnonCredsRegistry,
  methods: OutsideDids['methods'] = {},
): Promise<TestWallets> {
  await loadAskar({ binding: 'koffi' })
  const { WalletStore } = await import('../../src/storage/store.js')
  const { Profiles } = await import('../../src/storage/profiles.js')
  const { AgentFactory } = await import('../../src/agent/agent-factory.js')
  const { OutsideDidResolver } = await import('../../src/agent/did-resolvers.js')
  const { needsOf } = await import('../../src/agent/outside-needs.js')
  const { WalletOwner } = await import('../../src/agent/ports.js')
  const { SharedRegistry } = await import('./shared-registry.js')

  const folder = tempDir()
  const store = await WalletStore.open({ location: { file: `${folder.path}/wallets.db` }, key: KEY, poolSize: 4 })
  const profiles = new Profiles(store)
  for (const id of tenantIds) await store.createProfile(id)
  const factory = await AgentFactory.create({
    asksForReturnRoutes: false,
    profileOf: (id) => (id === 'default' ? profiles.base : profiles.of(id)),
    observers: [],
    ports: { event: () => {}, send: () => {}, route: () => {}, publish: () => {} },
    outside: new OutsideDidResolver({ methods, own: async () => undefined }),
    anoncreds: {
      workers,
      registries: [registry ?? new SharedRegistry()],
      tailsFileService: {
        getTailsBasePath: () => workers.tailsFolder(),
        uploadTailsFile: async (_, { revocationRegistryDefinition: { value } }) => ({
          tailsFileUrl: value.tailsLocation,
        }),
        getTailsFile: async (_, { revocationRegistryDefinition: { value } }) => ({
          tailsFilePath: value.tailsLocation,
        }),
      },
    },
    // Nothing is looked up outside.
    resources: undefined as never,
    endpointsOf: () => [''],
    protocols: [],
    handlers: [],
    routing: { take: async () => undefined, release: async () => {} },
    revocation: { takePlace: async () => undefined, hasPlace: async () => true },
    autoAccept: () => ({ credentials: 'NEVER', proofs: 'NEVER' }),
    pinged: () => {},
    reported: () => {},
    disclosed: () => {},
    logger: createLogger({ level: 'silent', format: 'json' }),
  })
  const settings = { label: '', imageUrl: null, eventDispatch: 'DEFAULT', keyMode: 'MANAGED', settings: {}, policy: {} }
  const agents = new Map<string, Awaited<ReturnType<typeof factory.open>>>()
  for (const id of tenantIds) agents.set(id, await factory.open(new WalletOwner(id, settings as never)))
  return {
    async in(tenantId, work) {
      for (;;) {
        let needs: (() => Promise<void>)[] = []
        try {
          return await profiles.of(tenantId).transact(async (unit) => {
            const [done] = await Promise.allSettled([work(agents.get(tenantId)!.context)])
            needs = needsOf(unit)
            if (needs.length > 0) throw new Error('Documents from outside are needed')
            if (done?.status === 'rejected') throw done.reason
            return done!.value
          })
        } catch (error) {
          if (needs.length === 0) throw error
          await Promise.all(needs.map((need) => need()))
        }
      }
    },
    async remove() {
      for (const agent of agents.values()) await factory.close(agent)
      await factory.shutdown()
      await store.close()
      folder.remove()
    },
  }
}
