// `node compile-ahead.mjs <bundle>`: starts the gateway, and when it ends keeps what V8 has compiled until then.
import { writeFileSync } from 'node:fs'
import { inRoot } from './paths.mjs'

const { cacheOf, runBundle } = await import(inRoot('dist', 'src', 'bundle.js'))
const [file] = process.argv.splice(2, 1, 'serve')

const script = runBundle(file)
process.on('exit', () => writeFileSync(cacheOf(file), script.createCachedData()))
