import type { AgentContext } from '@credo-ts/core'
import type { Profile } from '../storage/profile.js'
import { currentUnit, type Unit } from '../storage/unit.js'

/** Finds the profile that an agent context works on. */
export class Wallets {
  constructor(private readonly profileOf: (contextCorrelationId: string) => Profile) {}

  profile(context: AgentContext): Profile {
    return this.profileOf(context.contextCorrelationId)
  }

  /** Joins the unit of work that the code belongs to, or makes one of its own for a single call. */
  inUnit<T>(context: AgentContext, fn: (unit: Unit) => Promise<T>): Promise<T> {
    const profile = this.profile(context)
    const unit = currentUnit()
    return unit?.profile === profile.name ? fn(unit) : profile.transact(fn)
  }
}
