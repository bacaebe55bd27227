import { DidCommMessage, IsValidMessageType, parseMessageType } from '@credo-ts/didcomm'

/** What an agent asks for the keys that it is reached by (Aries RFC 0211). Credo has neither this nor its answer. */
export class KeylistQueryMessage extends DidCommMessage {
  static override readonly type = parseMessageType('https://didcomm.org/coordinate-mediation/1.0/keylist-query')

  @IsValidMessageType(KeylistQueryMessage.type)
  override readonly type = KeylistQueryMessage.type.messageTypeUri

  /** Which stretch of them. Of whatever form: it is not checked. */
  paginate?: { limit?: unknown; offset?: unknown } | null
}

/** A stretch of the keys. */
export interface KeylistStretch {
  keys: { recipient_key: string }[]
  pagination: { count: number; offset: number; remaining: number }
}

export class KeylistMessage extends DidCommMessage {
  static override readonly type = parseMessageType('https://didcomm.org/coordinate-mediation/1.0/keylist')

  @IsValidMessageType(KeylistMessage.type)
  override readonly type = KeylistMessage.type.messageTypeUri

  keys: KeylistStretch['keys'] = []
  pagination: KeylistStretch['pagination'] = { count: 0, offset: 0, remaining: 0 }

  constructor(options?: KeylistStretch & { threadId: string }) {
    super()
    if (!options) return
    this.id = this.generateId()
    this.keys = options.keys
    this.pagination = options.pagination
    this.setThread({ threadId: options.threadId })
  }
}
