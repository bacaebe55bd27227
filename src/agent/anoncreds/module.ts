import {
  type AnonCredsHolderService,
  AnonCredsHolderServiceSymbol,
  AnonCredsIssuerServiceSymbol,
  AnonCredsModule,
  type AnonCredsModuleConfigOptions,
  type AnonCredsRegistry,
  AnonCredsVerifierServiceSymbol,
} from '@credo-ts/anoncreds'
import { AnonCredsDataIntegrityServiceSymbol, type DependencyManager } from '@credo-ts/core'
import type { AnonCredsWorkers } from '../../anoncreds/index.js'
import { type DataIntegrityService, readDetailsAside } from './data-integrity.js'
import { WorkersHolderService } from './holder-service.js'
import { WorkersIssuerService } from './issuer-service.js'
import { callsInUnits } from './unit-calls.js'
import { WorkersVerifierService } from './verifier-service.js'

export interface AnonCredsOptions {
  workers: AnonCredsWorkers
  /** Where schemas, definitions and status lists are read and published, by their identifiers. */
  registries: AnonCredsRegistry[]
  tailsFileService?: AnonCredsModuleConfigOptions['tailsFileService']
}

/** Credo's module, whose services leave the work of the library to other processes. */
export class WorkersAnonCredsModule extends AnonCredsModule {
  constructor(private readonly anoncreds: AnonCredsOptions) {
    const { registries, tailsFileService } = anoncreds
    super({
      // Its type wants a binding of the library and one registry at least; it keeps the first, and does with none.
      anoncreds: undefined as never,
      registries: registries as AnonCredsModuleConfigOptions['registries'],
      ...(tailsFileService && { tailsFileService }),
      autoCreateLinkSecret: true,
    })
  }

  override register(dependencyManager: DependencyManager): void {
    super.register(dependencyManager)
    const workers = callsInUnits(this.anoncreds.workers)
    const stock = dependencyManager.resolve<AnonCredsHolderService>(AnonCredsHolderServiceSymbol)
    dependencyManager.registerInstance(AnonCredsHolderServiceSymbol, new WorkersHolderService(workers, stock))
    dependencyManager.registerInstance(AnonCredsIssuerServiceSymbol, new WorkersIssuerService(workers))
    dependencyManager.registerInstance(AnonCredsVerifierServiceSymbol, new WorkersVerifierService(workers))
    readDetailsAside(dependencyManager.resolve<DataIntegrityService>(AnonCredsDataIntegrityServiceSymbol), workers)
  }
}
