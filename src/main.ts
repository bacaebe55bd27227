#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { loadAskar } from './askar/index.js'
import { createProgram, runProgram } from './cli/program.js'

// A heap that may double before it is collected lets the memory of a busy gateway swing by hundreds of megabytes.
setFlagsFromString('--heap-growing-percent=25')

// The gateway is loaded only to be served: help, version and wrong settings answer without it.
const program = createProgram(async (parts) => {
  // Before anything imports Credo, which takes the binding that is registered then.
  await loadAskar({ binding: parts.config.askarBinding })
  return (await import('./gateway.js')).createGateway(parts)
})

await runProgram(program, process.argv.slice(2))
