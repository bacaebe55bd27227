import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configurationReference } from '../../src/config/reference.js'
import { fileKey, flagName, settings } from '../../src/config/settings.js'

function projectRoot(from = dirname(fileURLToPath(import.meta.url))): string {
  return existsSync(join(from, 'biome.json')) ? from : projectRoot(dirname(from))
}

test('names follow from the variable', () => {
  assert.equal(flagName('PUBLIC_URL'), '--public-url')
  assert.equal(fileKey('QUERY_COST_MAX'), 'queryCostMax')
  assert.equal(new Set(settings.map(({ name }) => name)).size, settings.length)
})

test('the configuration page is the one that the settings give', () => {
  const page = readFileSync(join(projectRoot(), 'docs', 'configuration.md'), 'utf8')
  assert.equal(page, configurationReference(), 'write it again: tenantry config --reference > docs/configuration.md')
})
