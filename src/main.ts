import { loadAskar } from './askar/index.js'
import { createProgram, runProgram } from './cli/program.js'
import { boundHeap } from './lib/heap.js'

// The gateway is loaded only to be served: help, version and wrong settings answer without it.
const program = createProgram(async (parts) => {
  // Before anything imports Credo, which takes the binding that is registered then.
  await loadAskar({ binding: parts.config.askarBinding })
  const gateway = await (await import('./gateway/index.js')).createGateway(parts)
  boundHeap()
  return gateway
})

void runProgram(program, process.argv.slice(2))
