#!/usr/bin/env node
import { createProgram, runProgram } from './cli/program.js'

// The gateway is loaded only to be served: help, version and wrong settings answer without it.
const program = createProgram(async (parts) => (await import('./gateway.js')).createGateway(parts))

await runProgram(program, process.argv.slice(2))
