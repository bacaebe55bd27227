import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { script } from './scripts.js'
import { zipFile } from './zip-file.js'

const { libraryFromWheel } = await script('wheel')
const { buildOf } = await script('native')
const { askar, anoncreds, indyVdr } = await script('native-pins')

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('native library', () => {
  const library = randomBytes(50_000)
  const wheel = zipFile({ 'aries_askar/__init__.py': Buffer.from(''), 'aries_askar/libaries_askar.so': library })
  const pin = { library: 'libaries_askar.so', wheel: sha256(wheel), librarySum: sha256(library) }

  test('is taken from the wheel that is pinned', () => {
    assert.ok(library.equals(libraryFromWheel(wheel, 'aries-askar', pin)))
  })

  test('is refused from a wheel with one bit changed, naming both checksums', () => {
    const corrupt = Buffer.from(wheel)
    corrupt[1_000]! ^= 1
    assert.throws(
      () => libraryFromWheel(corrupt, 'aries-askar', pin),
      ({ name, message }: Error) =>
        name === 'Failure' && message.includes(sha256(corrupt)) && message.includes(pin.wheel) && message.includes('→'),
    )
  })

  test('is refused when it is not the library that is pinned, though the wheel is', () => {
    assert.throws(
      () => libraryFromWheel(wheel, 'aries-askar', { ...pin, librarySum: sha256(randomBytes(1)) }),
      /libaries_askar\.so is not/,
    )
  })

  test('is pinned for each platform, with whole checksums', () => {
    for (const pin of [askar, anoncreds, indyVdr]) {
      const build = buildOf(pin, process.platform, process.arch)
      assert.equal(build, pin.builds[`${process.platform}-${process.arch}`])
      for (const { wheel: sum, librarySum } of Object.values<{ wheel: string; librarySum: string }>(pin.builds)) {
        assert.match(`${sum} ${librarySum}`, /^[0-9a-f]{64} [0-9a-f]{64}$/)
      }
    }
  })

  test('that is built for no such platform is told with what to do', () => {
    assert.throws(
      () => buildOf(anoncreds, 'sunos', 'x64'),
      /no build of AnonCreds .* for sunos-x64[\s\S]*LIB_ANONCREDS_PATH/,
    )
  })
})
