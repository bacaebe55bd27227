export type * from './calls.js'
export { ATTRIBUTES_MAX } from './calls.js'
export { NativeError } from './errors.js'
export { AnonCredsWorkers, type AnonCredsWorkersOptions } from './workers.js'
