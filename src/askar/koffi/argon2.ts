import type { Argon2DerivePasswordOptions } from '@openwallet-foundation/askar-shared'
import { bytes } from './marshal.js'
import type { Native } from './native.js'
import { copyBytes } from './native-library.js'

/** How koffi calls a function on a thread of its own. */
interface Aside {
  async(...args: unknown[]): void
}

/** Argon2i takes up to half a second: it runs aside, and the process goes on. */
export function argon2Aside({ functions, check }: Native) {
  return ({ parameters, password, salt }: Argon2DerivePasswordOptions): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      // `SecretBuffer`: length and address; it must live as long as the call.
      const out = new BigInt64Array(2)
      const done = (error: Error | null, code: number) => {
        try {
          if (error) throw error
          check(code)
          const [len = 0n, data = 0n] = out
          resolve(copyBytes(data, Number(len)))
          functions.askar_buffer_free({ len: Number(len), data })
        } catch (failure) {
          reject(failure)
        }
      }
      const call = functions.askar_argon2_derive_password as unknown as Aside
      call.async(parameters, bytes(password), bytes(salt), out, done)
    })
}
