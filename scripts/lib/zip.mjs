import { inflateRawSync } from 'node:zlib'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_ENTRY = 0x04034b50
const END_SIZE = 22
const MAX_COMMENT = 0xffff
const STORED = 0
const DEFLATED = 8

/**
 * The entries of a zip archive, by its central directory (APPNOTE.TXT 4.3). Neither zip64 nor encryption: the
 * archives read here are wheels of a few MB.
 * @param {Buffer} archive
 * @returns {Map<string, { method: number, compressedSize: number, size: number, offset: number }>}
 * @throws {Error} when the bytes are not a zip archive
 */
export function readDirectory(archive) {
  const end = findEnd(archive)
  const entries = new Map()
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== DIRECTORY_ENTRY) {
      throw new Error('not a zip archive: its directory is broken')
    }
    const nameLength = archive.readUInt16LE(at + 28)
    entries.set(archive.toString('utf8', at + 46, at + 46 + nameLength), {
      method: archive.readUInt16LE(at + 10),
      compressedSize: archive.readUInt32LE(at + 20),
      size: archive.readUInt32LE(at + 24),
      offset: archive.readUInt32LE(at + 42),
    })
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return entries
}

/**
 * The content of one entry.
 * @param {Buffer} archive
 * @param {string} name the entry's full name
 * @returns {Buffer}
 * @throws {Error} when there is no such entry, or it cannot be read
 */
export function readEntry(archive, name) {
  const entry = readDirectory(archive).get(name)
  if (!entry) throw new Error(`the archive has no ${name}`)
  const { offset, compressedSize, method, size } = entry
  if (offset + 30 > archive.length || archive.readUInt32LE(offset) !== LOCAL_ENTRY) {
    throw new Error(`${name} is not where the archive's directory says`)
  }
  const start = offset + 30 + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28)
  const raw = archive.subarray(start, start + compressedSize)
  const content = inflate(name, method, raw, size)
  if (content.length !== size) throw new Error(`${name} has ${content.length} bytes, the archive says ${size}`)
  return content
}

/** Never more than the directory says: a small archive must not fill the memory. */
function inflate(name, method, raw, size) {
  if (method === STORED) return raw
  if (method !== DEFLATED) throw new Error(`${name} is compressed by method ${method}, which is not known here`)
  return inflateRawSync(raw, { maxOutputLength: Math.max(size, 1) })
}

/** The end record stands last, before a comment of any length up to 64 KB. */
function findEnd(archive) {
  const first = Math.max(0, archive.length - END_SIZE - MAX_COMMENT)
  for (let at = archive.length - END_SIZE; at >= first; at -= 1) {
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at
  }
  throw new Error('not a zip archive: it has no end of directory')
}
