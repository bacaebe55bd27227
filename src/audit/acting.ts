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

/**
 * Does the work of a request; whatever it leads to is written down as the doing of who asked. Timers and promises keep
 * hold of who it was for as long as they live, and must not keep the request with it: there may be a key in that.
 */
export const actingFor = <T>({ viewer, origin }: Acting, work: () => T): T => acting.run({ viewer, origin }, work)
