import { hash, randomUUID } from 'node:crypto'

/** A random UUID, version 4. */
export function newId(): string {
  return randomUUID()
}

/** The 32 bytes of SHA-256; a string is hashed as UTF-8. */
export function sha256(data: string | Uint8Array): Buffer {
  return hash('sha256', data, 'buffer')
}
