import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

/** Hex SHA-256 of bytes or text. */
export const sha256 = (data) => createHash('sha256').update(data).digest('hex')

/**
 * Every file under the given paths, sorted, as absolute paths. A path that does not exist adds nothing.
 * @param {string[]} paths files or folders
 * @returns {string[]}
 */
export function filesUnder(paths) {
  const found = []
  const walk = (path) => {
    if (!existsSync(path)) return
    if (!statSync(path).isDirectory()) found.push(path)
    else for (const name of readdirSync(path)) if (name !== 'node_modules') walk(join(path, name))
  }
  for (const path of paths) walk(path)
  return found.sort()
}

/**
 * A hash over names and contents: it changes when a file is changed, added, renamed or removed. Contents and
 * not times, because a checkout of another commit gives files any time.
 * @param {string} base folder that the names are told from
 * @param {string[]} paths files or folders
 * @returns {string} hex SHA-256
 */
export function hashOf(base, paths) {
  const hash = createHash('sha256')
  for (const file of filesUnder(paths)) {
    const content = readFileSync(file)
    hash.update(`${relative(base, file).split(sep).join('/')}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** Whether the stamp file holds exactly this value. */
export const isStamped = (file, value) => existsSync(file) && readFileSync(file, 'utf8').trim() === value

/** Writes a stamp, to be done last: what is stamped is complete. */
export function writeStamp(file, value) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${value}\n`)
}
