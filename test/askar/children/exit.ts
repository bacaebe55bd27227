import { loadAskar } from '../../../src/askar/index.js'
import { createStore, inSession } from '../stores.js'

// Prints when the store was closed and when the process ended by itself, in ms since it began.
await loadAskar({ binding: 'koffi' })
const made = await createStore('sqlite')
await inSession(made.store, (session) => session.insert({ category: 'thing', name: 'one', value: '' }))
await made[Symbol.asyncDispose]()
const closedAfterMs = performance.now()
process.on('exit', () => console.log(JSON.stringify({ closedAfterMs, exitedAfterMs: performance.now() })))
