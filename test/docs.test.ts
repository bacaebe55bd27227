import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freshStore, startGateway } from './support/gateway.js'
import { tempDir } from './support/services.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))]

/** The commands of a page that are marked as `sh`, in their order. */
function commandsOf(page: string): string {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands).join('\n')
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
    const commands = commandsOf('docs/getting-started.md').replaceAll('http://127.0.0.1:4000', gateway.url)
    const script = ['set -euo pipefail', commands].join('\n')
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
