import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didIndyRevocationRegistryIdRegex, unqualifiedRevocationRegistryIdRegex } from '@credo-ts/anoncreds'
import { Jwt } from '@credo-ts/core'

const DID = 'V4SGRU86Z58d6TV7PBUe6f'
const UNQUALIFIED = `${DID}:4:${DID}:3:CL:1:`
const QUALIFIED = `did:indy:a:b:${DID}/anoncreds/v0/REV_REG_DEF/1/`

/** All texts of up to so many parts. */
function* textsOf(parts: readonly string[], count: number): Generator<string> {
  yield ''
  if (count > 0) for (const text of textsOf(parts, count - 1)) for (const part of parts) yield text + part
}

test('patterns that are replaced match what those of the library do', async () => {
  const { format } = Jwt
  await import('../../src/agent/linear-patterns.js')
  const replaced = [
    { theirs: format, ours: Jwt.format, before: '', parts: ['.', 'a', '_', '=', '-', '+', '/', '!', '\n'] },
    {
      theirs: new RegExp(didIndyRevocationRegistryIdRegex.source),
      ours: didIndyRevocationRegistryIdRegex,
      before: QUALIFIED,
      parts: ['/', 'a', ':', '\n', '\u2028'],
    },
    {
      theirs: new RegExp(unqualifiedRevocationRegistryIdRegex.source),
      ours: unqualifiedRevocationRegistryIdRegex,
      before: UNQUALIFIED,
      parts: [':CL_ACCUM:', 'CL_ACCUM', ':', 'a', '\n'],
    },
  ]
  for (const { theirs, ours, before, parts } of replaced) {
    let matched = 0
    for (const rest of textsOf(parts, 5)) {
      const found = (before + rest).match(ours)
      assert.deepEqual(found && [...found], theirs.exec(before + rest)?.slice() ?? null, JSON.stringify(rest))
      if (found) matched++
    }
    assert.ok(matched > 0)
  }
})

test('patterns look at each part of a text once', { timeout: 60_000 }, async () => {
  await import('../../src/agent/linear-patterns.js')
  const { IndyRegistry } = await import('../../src/agent/anoncreds/indy-registry.js')
  const { supportedIdentifier } = new IndyRegistry({} as never, {} as never)
  assert.ok(supportedIdentifier.test(`${QUALIFIED}tag/more`))
  assert.ok(supportedIdentifier.test(`${UNQUALIFIED}tag:CL_ACCUM:more`))
  const long: [RegExp, string][] = [
    [Jwt.format, `a.${'b'.repeat(1_000_000)}!`],
    [didIndyRevocationRegistryIdRegex, `${QUALIFIED}${'/'.repeat(1_000_000)}\n`],
    [unqualifiedRevocationRegistryIdRegex, `${UNQUALIFIED}${':CL_ACCUM:'.repeat(100_000)}\n`],
    [supportedIdentifier, `${QUALIFIED}${'/'.repeat(1_000_000)}\n`],
    [supportedIdentifier, `${UNQUALIFIED}${':CL_ACCUM:'.repeat(100_000)}\n`],
  ]
  for (const [pattern, text] of long) assert.equal(pattern.test(text), false)
})
