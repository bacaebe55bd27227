export type { GatewayOptions } from './foundation.js'
export { createGateway, type Gateway } from './gateway.js'
