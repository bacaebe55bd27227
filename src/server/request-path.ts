import { setTimeout as sleep } from 'node:timers/promises'
import type { ReturnPath } from '../relay/return-paths.js'

/** For how long an answer that a message has asked for may be made and come before the request is answered without (ms). */
const ANSWER_MS = 2000

/** The answer to a request as the way back: for one envelope, as long as the request is open. */
export abstract class RequestPath implements ReturnPath {
  readonly isLasting = false
  private used: Promise<boolean> | undefined
  private awaited: Promise<void> | undefined
  private signal = () => {}

  protected abstract readonly isAwaited: boolean

  /** Answers the request by an envelope. @returns whether it arrived */
  protected abstract answer(envelope: string): Promise<boolean>

  get isOpen(): boolean {
    return !this.used && this.isAwaited
  }

  send(envelope: string): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false)
    this.used = this.answer(envelope)
    this.signal()
    return this.used
  }

  expect(more: true | Promise<void>): void {
    const used = new Promise<void>((resolve) => {
      this.signal = resolve
      if (this.used) resolve()
    })
    const waited = sleep(ANSWER_MS, undefined, { ref: false })
    this.awaited = Promise.race([used, waited, ...(more === true ? [] : [more])])
  }

  /** Waits for an answer where there may be one. @returns whether there was */
  async answered(): Promise<boolean> {
    await this.awaited
    return this.used !== undefined
  }
}
