import {
  type AgentContext,
  EventEmitter,
  InjectionSymbols,
  inject,
  injectable,
  type StorageService,
} from '@credo-ts/core'
import { type DidCommProofExchangeRecord, DidCommProofExchangeRepository } from '@credo-ts/didcomm'
import { keepNotes } from './notes.js'

/** Writes a proof exchange at first with what its unit of work was told of it: proposals of 1.0 pass no format. */
@injectable()
export class NotedProofs extends DidCommProofExchangeRepository {
  // Without a constructor of its own, a subclass is built without what the parent needs.
  constructor(
    @inject(InjectionSymbols.StorageService) storage: StorageService<DidCommProofExchangeRecord>,
    events: EventEmitter,
  ) {
    super(storage, events)
  }

  override save(context: AgentContext, record: DidCommProofExchangeRecord): Promise<void> {
    keepNotes(record)
    return super.save(context, record)
  }
}
