import koffi from 'koffi'
import { callError } from './errors.js'
import type { NativeFunctions, Pointer } from './functions.js'
import { callbackTypes } from './native-library.js'

/** Starts an asynchronous native call: hands over the callback and the id it is to be called with. */
export type Start = (callback: Pointer, id: number) => number

interface Waiting {
  resolve: (result: never) => void
  reject: (error: Error) => void
}

const longestDelay = 2 ** 31 - 1

/**
 * Promises for asynchronous native calls. There is one registered callback for each type of result, for the life of the
 * process; a call is known by its id. Askar calls back on threads of its own, and koffi runs the callback on ours.
 */
export class Completions {
  readonly #functions: NativeFunctions
  readonly #waiting = new Map<number, Waiting>()
  readonly #callbacks: Readonly<Record<keyof typeof callbackTypes, Pointer>>
  // koffi's callbacks do not keep the event loop alive, so a timer does while calls are under way.
  readonly #keepAlive = setInterval(() => {}, longestDelay).unref()
  #lastId = 0

  constructor(functions: NativeFunctions) {
    this.#functions = functions
    const settle = (id: number, code: number, result: unknown) => this.#settle(id, code, result)
    const register = (type: keyof typeof callbackTypes) => koffi.register(settle, koffi.pointer(callbackTypes[type]))
    this.#callbacks = {
      nothing: register('nothing'),
      int8: register('int8'),
      int64: register('int64'),
      handle: register('handle'),
      pointer: register('pointer'),
    }
  }

  nothing(start: Start): Promise<void> {
    return this.#call(this.#callbacks.nothing, start)
  }

  int8(start: Start): Promise<number> {
    return this.#call(this.#callbacks.int8, start)
  }

  int64(start: Start): Promise<number> {
    return this.#call(this.#callbacks.int64, start)
  }

  handle(start: Start): Promise<number> {
    return this.#call(this.#callbacks.handle, start)
  }

  /** The address becomes the caller's to free; null where there is nothing. */
  pointer(start: Start): Promise<Pointer | null> {
    return this.#call(this.#callbacks.pointer, start)
  }

  #call<Result>(callback: Pointer, start: Start): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const id = ++this.#lastId
      if (this.#waiting.size === 0) this.#keepAlive.ref()
      this.#waiting.set(id, { resolve, reject })
      try {
        const code = start(callback, id)
        if (code !== 0) this.#settle(id, code, undefined)
      } catch (error) {
        // A wrong argument, found before the call: it will not be called back.
        this.#forget(id)
        reject(error)
      }
    })
  }

  #settle(id: number, code: number, result: unknown): void {
    const waiting = this.#forget(id)
    if (!waiting) return
    if (code === 0) waiting.resolve(result as never)
    else waiting.reject(callError(this.#functions, code))
  }

  #forget(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#keepAlive.unref()
    return waiting
  }
}
