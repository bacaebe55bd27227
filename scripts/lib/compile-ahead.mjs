// `node compile-ahead.mjs <bundle>`: starts the gateway, and when it ends keeps what V8 has compiled until then.
// `node compile-ahead.mjs <bundle> --check`: ends with 1 where V8 does not take what was kept.
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { inRoot } from './paths.mjs'

const { cacheOf, loadBundle, runBundle } = await import(inRoot('dist', 'src', 'bundle.js'))
const [file, check] = process.argv.splice(2, 2, 'serve')

if (check) process.exit(loadBundle(file).cachedDataRejected ? 1 : 0)
// What was compiled early is not to go again before the end.
setFlagsFromString('--no-flush-bytecode')
const script = runBundle(file)
process.on('exit', () => {
  // V8 takes it by the flags that a start has: the gateway has changed some since (`lib/heap.ts`). 0 leaves it to V8.
  for (const flag of ['--flush-bytecode', '--heap-growing-percent=0', '--semi-space-growth-factor=2'])
    setFlagsFromString(flag)
  writeFileSync(cacheOf(file), script.createCachedData())
})
