import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AskarLibraryError, findLibrary, loadAskar } from '../../src/askar/index.js'

describe('the native library', () => {
  let folder: string
  let file: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'askar-library-'))
    file = join(folder, 'libaries_askar.so')
    await writeFile(file, 'not a library')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('is found by a file or a folder, given or in the environment', () => {
    const platform = 'linux'
    for (const path of [file, folder, `${folder}/`]) {
      assert.equal(findLibrary({ platform, libraryPath: path }), file)
      assert.equal(findLibrary({ platform, environment: { LIB_ASKAR_PATH: path } }), file)
    }
  })

  test('is named as its platform has it', async () => {
    for (const [platform, name] of [
      ['darwin', 'libaries_askar.dylib'],
      ['win32', 'aries_askar.dll'],
    ] as const) {
      await writeFile(join(folder, name), '')
      assert.equal(findLibrary({ platform, libraryPath: folder }), join(folder, name))
    }
    assert.throws(() => findLibrary({ platform: 'aix' }), /no native library for aix/)
  })

  test('is missed with the places and the remedy', () => {
    assert.throws(
      () => findLibrary({ platform: 'linux', libraryPath: '/nowhere/' }),
      (error) =>
        error instanceof AskarLibraryError &&
        error.message.includes('/nowhere/libaries_askar.so') &&
        error.message.includes('LIB_ASKAR_PATH'),
    )
  })

  test('is refused with the reason when it is not one', async () => {
    await assert.rejects(
      loadAskar({ binding: 'koffi', libraryPath: file }),
      (error) => error instanceof AskarLibraryError && error.message.includes(file),
    )
  })
})
