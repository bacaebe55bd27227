/** `npm run demo`: the story of two tenants, against a gateway of its own. */
import { demo } from './demo-gateway.js'
import { tell, twoTenants } from './two-tenants.js'

await demo((url, operatorKey) => twoTenants(url, operatorKey, tell))
