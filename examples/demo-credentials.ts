/** `npm run demo:credentials`: a credential's life, against a gateway of its own. */
import { credentialStory } from './credentials.js'
import { demo } from './demo-gateway.js'
import { tell } from './two-tenants.js'

await demo((url, operatorKey) => credentialStory(url, operatorKey, tell))
