import { runWorkers } from '../workers.js'
import type { Scenario } from './scenario.js'
import { timed } from './timed.js'

const TENANTS = 100
const READS = 1000

export const createWallet: Scenario = {
  name: 'create wallet',
  async *run(lab) {
    // The first one makes what all others share.
    await lab.someTenants(1)
    for (const conc of [1, 8]) {
      yield await lab.meter.measure({ scenario: 'create wallet', n: TENANTS, conc }, () =>
        timed(conc, TENANTS, () => lab.addTenant()),
      )
    }
  },
}

export const getToken: Scenario = {
  name: 'get token',
  async *run(lab) {
    const tenants = await lab.someTenants(2 * TENANTS + 1)
    const n = 2 * tenants.length
    for (const conc of [1, 8]) {
      yield await lab.meter.measure({ scenario: 'get token', n, conc }, () =>
        timed(conc, n, async (index) => {
          const tenant = lab.tenant(index % tenants.length)
          tenant.token = await lab.api.createTenantToken(tenant.id)
        }),
      )
    }
  },
}

/** A page of 20 of one tenant after the other. As in ACA-Py's driver, the wallets have no connections yet. */
export const readConnections: Scenario = {
  name: 'tenant GET /connections (100 wallets)',
  async *run(lab) {
    await lab.someTenants(TENANTS)
    const read = (index: number) => lab.api.readConnections(lab.tenant(index % TENANTS))
    await runWorkers(8, TENANTS, read)
    yield await lab.meter.measure({ scenario: readConnections.name, n: READS, conc: 16 }, () => timed(16, READS, read))
  },
}
