import { loadAskar } from '../../src/askar/index.js'

// Keeps a SQLite store open until it is killed: `store-holder.js <file> <raw key>`.
const [file = '', key = ''] = process.argv.slice(2)
await loadAskar({ binding: 'koffi' })
const { Store } = await import('@openwallet-foundation/askar-shared')
const { accessBy } = await import('../../src/storage/store-sessions.js')
const store = await Store.open({ ...accessBy(key), uri: `sqlite://${file}` })
const session = await store.openSession()
await session.count({ category: 'thing' })
process.stdout.write('open\n')
setInterval(() => {}, 1000)
