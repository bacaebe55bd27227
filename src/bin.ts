#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runBundle, setFlags } from './bundle.js'

const bundle = fileURLToPath(new URL('../bundle/tenantry.cjs', import.meta.url))
if (existsSync(bundle)) runBundle(bundle)
else {
  setFlags()
  await import('./main.js')
}
