import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildSchema, parse, validate } from 'graphql'
import { freshStore, startGateway } from './support/gateway.js'
import { tempDir } from './support/services.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const pages = ['README.md', 'deploy/README.md', ...docs.map((name) => join('docs', name))]

/** The blocks of a page that are marked as being in a language, in their order. */
function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block ?? '')
}

test('the commands of the first five minutes do what the page says', async () => {
  const folder = tempDir()
  const store = await freshStore('sqlite')
  // As `npm start` does in a fresh clone: the gateway makes its secrets itself.
  const gateway = await startGateway(store, {
    DATA_DIR: join(folder.path, 'data'),
    ...{ STORE_KEY: '', JWT_SECRET: '', OPERATOR_API_KEYS: '' },
  })
  try {
    const commands = blocksOf('docs/getting-started.md', 'sh')
    const script = ['set -euo pipefail', ...commands].join('\n').replaceAll('http://127.0.0.1:4000', gateway.url)
    const { stdout, stderr } = await run('bash', ['-c', script], { cwd: folder.path, timeout: 60_000 })
    const lines = stdout.split('\n')
    assert.equal(lines[0], '{"data":{"viewer":{"role":"OPERATOR"}}}')
    assert.match(stdout, /"state":"COMPLETED","theirLabel":"Acme Inc\."/)
    assert.match(stdout, /^data: \{"data":\{"events":\{"topic":"BASIC_MESSAGE".*Hello Acme, this is Globex\./m)
    assert.match(stdout, /"topic":"BASIC_MESSAGE","message":\{"content":"Are you there\?"/)
    assert.match(lines.at(-2) ?? '', /"code":"UNAUTHENTICATED"/)
    assert.equal(stderr, '')
    assert.deepEqual(readdirSync(folder.path), ['data'])
  } finally {
    await gateway.stop()
    await store.remove()
    folder.remove()
  }
})

for (const page of ['docs/api.md', 'docs/dids.md', 'docs/mediation.md', 'docs/operators.md']) {
  test(`the operations of ${page} are valid`, () => {
    const schema = buildSchema(readFileSync(join(root, 'schema/schema.graphql'), 'utf8'))
    const operations = blocksOf(page, 'graphql')
    assert.ok(operations.length > 0)
    for (const operation of operations) assert.deepEqual(validate(schema, parse(operation)), [])
  })
}

describe('links lead somewhere in', () => {
  for (const page of pages) {
    test(page, () => {
      const text = readFileSync(join(root, page), 'utf8')
      for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        const [path, anchor] = (link ?? '').split('#')
        if (/^[a-z]+:/.test(link ?? '')) continue
        const target = path ? join(root, dirname(page), path) : join(root, page)
        assert.ok(existsSync(target), `${link}: there is no such file`)
        if (anchor) assert.ok(anchorsOf(target).includes(anchor), `${link}: there is no such heading`)
      }
    })
  }
})

/** The names by which the headings of a page can be linked to. */
function anchorsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading ?? '')
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}
