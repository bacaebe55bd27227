import { test } from 'node:test'
import { AcapyAgent } from '../../interop/acapy/agent.js'
import { readyAcapyPython } from '../../interop/acapy/environment.js'
import { ApiClient, connect, makeTenant } from '../support/client.js'
import { freshStore, startGateway } from '../support/gateway.js'
import { freePort } from '../support/ports.js'
import { say } from '../support/talk.js'
import { choose } from './mediation-api.js'
import { withoutAddress } from './without-address.js'

const python = await readyAcapyPython()
const skip = python ? false : 'ACA-Py IS NOT INSTALLED: `npm run interop:install` makes its environment'
if (skip) console.warn(`Not tried as mediator by WebSocket: ${skip}`)

// ACA-Py knows no message pickup: it hands over what is forwarded by a socket that has asked for answers, as it is.
test('a gateway without an address is reached through ACA-Py, by a socket that it keeps open', { skip }, async () => {
  const port = `${await freePort()}`
  const flags = ['--inbound-transport', 'ws', '127.0.0.1', port, '--endpoint', `ws://127.0.0.1:${port}`]
  const acapy = await AcapyAgent.start({ python: python as string, flags: [...flags, '--open-mediation'] })
  const stores = [await freshStore('sqlite'), await freshStore('sqlite')] as const
  const { settings, url } = await withoutAddress()
  const [gateway, outside] = [await startGateway(stores[0], settings), await startGateway(stores[1])]
  try {
    const wallet = await acapy.wallet()
    await choose(ApiClient.operator(url), await wallet.inviteToMediate())
    const [alice, bob] = [await makeTenant(url), await makeTenant(outside.url)]
    const { invitee, inviter } = await connect(alice, bob)
    const tap = await alice.client.follow({ topics: ['BASIC_MESSAGE'] })
    await say(bob.client, invitee, 'through ACA-Py')
    await tap.find(({ message }) => message?.content === 'through ACA-Py')
    await tap.close()
    const back = await bob.client.follow({ topics: ['BASIC_MESSAGE'] })
    await say(alice.client, inviter, 'and back')
    await back.find(({ message }) => message?.content === 'and back')
    await back.close()
  } finally {
    await Promise.all([gateway.stop(), outside.stop()])
    await acapy.stop()
    for (const store of stores) await store.remove()
  }
})
