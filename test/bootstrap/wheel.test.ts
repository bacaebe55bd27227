import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { script } from './scripts.js'
import { zipFile } from './zip-file.js'

const { libraryFromWheel } = await script('wheel')
const { pinOf } = await script('native')
const { askarPins } = await script('askar-pins')

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('native library', () => {
  const library = randomBytes(50_000)
  const wheel = zipFile({ 'aries_askar/__init__.py': Buffer.from(''), 'aries_askar/libaries_askar.so': library })
  const pin = { library: 'libaries_askar.so', wheel: sha256(wheel), librarySum: sha256(library) }

  test('is taken from the wheel that is pinned', () => {
    assert.ok(library.equals(libraryFromWheel(wheel, pin)))
  })

  test('is refused from a wheel with one bit changed, naming both checksums', () => {
    const corrupt = Buffer.from(wheel)
    corrupt[1_000]! ^= 1
    assert.throws(
      () => libraryFromWheel(corrupt, pin),
      ({ name, message }: Error) =>
        name === 'Failure' && message.includes(sha256(corrupt)) && message.includes(pin.wheel) && message.includes('→'),
    )
  })

  test('is refused when it is not the library that is pinned, though the wheel is', () => {
    assert.throws(
      () => libraryFromWheel(wheel, { ...pin, librarySum: sha256(randomBytes(1)) }),
      /libaries_askar\.so is not/,
    )
  })

  test('is pinned for this platform, with whole checksums', () => {
    assert.equal(pinOf(process.platform, process.arch), askarPins[`${process.platform}-${process.arch}`])
    for (const { wheel: sum, librarySum } of Object.values<{ wheel: string; librarySum: string }>(askarPins)) {
      assert.match(`${sum} ${librarySum}`, /^[0-9a-f]{64} [0-9a-f]{64}$/)
    }
  })

  test('that is built for no such platform is told with what to do', () => {
    assert.throws(() => pinOf('sunos', 'x64'), /no build of Askar .* for sunos-x64[\s\S]*LIB_ASKAR_PATH/)
  })
})
