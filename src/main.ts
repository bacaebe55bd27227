import { loadAskar } from './askar/index.js'
import { createProgram, runProgram } from './cli/program.js'
import { boundNewSpace } from './lib/new-space.js'

// The gateway is loaded only to be served: help, version and wrong settings answer without it.
const program = createProgram(async (parts) => {
  boundNewSpace()
  // Before anything imports Credo, which takes the binding that is registered then.
  await loadAskar({ binding: parts.config.askarBinding })
  return (await import('./gateway/index.js')).createGateway(parts)
})

void runProgram(program, process.argv.slice(2))
