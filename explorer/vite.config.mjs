import { resolve } from 'node:path'
import { defineConfig } from 'vite'

/** Builds the explorer page: `vite build explorer` → `dist/explorer`, which `src/server/explorer.ts` serves. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/explorer/',
  // Monaco's workers import each other's chunks, which the default format cannot express.
  worker: { format: 'es' },
  build: {
    outDir: resolve(import.meta.dirname, '../dist/explorer'),
    emptyOutDir: true,
    reportCompressedSize: false,
    // Monaco alone is several MB; it is loaded from the gateway itself and then cached for good.
    chunkSizeWarningLimit: 8192,
    // Some of GraphiQL's packages mark their modules "use client", which means nothing here.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
})
