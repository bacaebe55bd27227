import { hash, randomUUID, timingSafeEqual } from 'node:crypto'

/** A random UUID, version 4. */
export function newId(): string {
  return randomUUID()
}

/** The 32 bytes of SHA-256; a string is hashed as UTF-8. */
export function sha256(data: string | Uint8Array): Buffer {
  return hash('sha256', data, 'buffer')
}

/** Compares without telling by its time where or whether the two differ, nor how long they are. */
export function constantTimeEqual(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}
