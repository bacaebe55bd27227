import { type Config, publicUrlOf } from '../config/config.js'

/** Where others reach the gateway: as configured, or, where it has the port that is free, known once it listens. */
export class PublicUrl {
  #url: string | undefined

  constructor(private readonly config: Config) {
    this.#url = config.publicUrl
  }

  /** Without a slash at the end. */
  get url(): string | undefined {
    return this.#url
  }

  listensAt(port: number): void {
    this.#url ??= publicUrlOf(this.config, port)
  }
}
