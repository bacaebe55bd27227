#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runBundle } from './bundle.js'

// What the packages that it stands on have to change is nothing to whoever runs the gateway.
process.noDeprecation = true

const bundle = fileURLToPath(new URL('../bundle/tenantry.cjs', import.meta.url))
if (existsSync(bundle)) runBundle(bundle)
else await import('./main.js')
