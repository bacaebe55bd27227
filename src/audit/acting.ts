import { AsyncLocalStorage } from 'node:async_hooks'
import type { Viewer } from '../graphql/viewer.js'

/** Who the work in hand is done for, and the address that it was asked from. */
export interface Acting {
  viewer: Viewer
  origin: string | null
}

const acting = new AsyncLocalStorage<Acting | undefined>()

/** Nothing where the gateway works by itself. */
export const currentActing = (): Acting | undefined => acting.getStore()

/** Does the work of a request; whatever it leads to is written down as the doing of who asked. */
export const actingFor = <T>(who: Acting, work: () => T): T => acting.run(who, work)
