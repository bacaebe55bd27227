import { randomBytes, timingSafeEqual } from 'node:crypto'
import { audit } from '../audit/audit.js'
import type { Secrets } from '../config/secrets.js'
import type { OperatorKeyInfo, OperatorScope } from '../graphql/viewer.js'
import { base58Encode } from '../lib/base58.js'
import { badInput, conflict, notFound, quotaExceeded } from '../lib/errors.js'
import { newId, sha256 } from '../lib/ids.js'
import { type Profile } from '../storage/profile.js'
import { fetchEntry } from '../storage/rows.js'
import type { Unit } from '../storage/unit.js'

const KEYS = 'operator-key'
/** Apart from the keys: it changes each minute in which one is used. */
const USES = 'operator-key-use'
/** A request is compared with every key there is. */
const KEYS_MAX = 100
/** Names and ids of the keys in OPERATOR_API_KEYS. */
const CONFIGURED = /^config-\d+$/

/** A key as it lies in the base wallet; the key itself is kept nowhere. Times are seconds. */
interface StoredKey {
  id: string
  name: string
  scopes: OperatorScope[]
  /** SHA-256 of the key, base64url. The key is 256 random bits, which no guessing finds. */
  hash: string
  createdAt: number
  expiresAt: number | null
}

/** What is told of a key. Those of the configuration have no time of creation. */
export interface OperatorKey extends OperatorKeyInfo {
  createdAt: number | null
  lastUsedAt: number | null
}

export interface CreateOperatorKey {
  name: string
  scopes: readonly OperatorScope[]
  /** Seconds; without it the key has no end. */
  expiresIn?: number | null
}

/** The keys of operators: those of OPERATOR_API_KEYS, and those that were made through the API. */
export class OperatorKeys {
  private known: { keys: Promise<StoredKey[]>; readAt: number } | undefined
  /** When keys were used since that was last noted (seconds). */
  private uses = new Map<string, number>()
  /** Called in this process once a key is revoked. */
  onChange: (keyId: string) => void = () => {}

  constructor(
    private readonly base: Profile,
    private readonly secrets: Secrets,
    /** How long keys that were read may be taken for current (ms); for ever where nobody else writes. */
    private readonly freshFor: number | undefined,
    /** Tells the other instances that a key was made or revoked. */
    private readonly announce: (keyId: string) => void,
  ) {}

  /** Whose key it is. Takes the same work for a key that there is not as for one that there is. */
  async authenticate(key: string): Promise<OperatorKeyInfo | undefined> {
    const hash = sha256(key)
    const number = this.secrets.operatorKeyNumber(hash)
    let found = number === undefined ? undefined : configured(number)
    for (const stored of await this.current()) {
      if (timingSafeEqual(Buffer.from(stored.hash, 'base64url'), hash)) found ??= infoOf(stored)
    }
    if (found) this.uses.set(found.keyId, now())
    return found
  }

  /** Whether a key still holds. */
  async holds(keyId: string): Promise<boolean> {
    return CONFIGURED.test(keyId) || (await this.current()).some(({ id }) => id === keyId)
  }

  /** All keys, those of this instance's configuration first, then in the order of their creation. */
  async list(): Promise<OperatorKey[]> {
    const own = Array.from({ length: this.secrets.operatorKeyCount }, (_, index) => configured(index + 1))
    const stored = (await this.read()).map((key) => ({ ...infoOf(key), createdAt: key.createdAt }))
    const keys = [...own.map((key) => ({ ...key, createdAt: null })), ...stored]
    const used = await this.base.read((session) =>
      Promise.all(keys.map(({ keyId }) => fetchEntry(session, USES, keyId))),
    )
    return keys.map((key, index) => {
      const noted = used[index] ? (JSON.parse(used[index].value) as number) : null
      return { ...key, lastUsedAt: this.uses.get(key.keyId) ?? noted }
    })
  }

  /** Makes a key. @returns it, which nobody can be told again, and what is known of it */
  async create({ name, scopes, expiresIn }: CreateOperatorKey): Promise<{ key: string; info: OperatorKey }> {
    if (CONFIGURED.test(name)) throw badInput('Keys of OPERATOR_API_KEYS have such names.', 'input.name')
    if (scopes.length === 0) throw badInput('Name at least one scope.', 'input.scopes')
    if (expiresIn != null && expiresIn <= 0) throw badInput('expiresIn must be at least 1 second.', 'input.expiresIn')
    const key = `operator_${base58Encode(randomBytes(32))}`
    const createdAt = now()
    const stored: StoredKey = {
      id: newId(),
      name,
      scopes: [...new Set(scopes)],
      hash: sha256(key).toString('base64url'),
      createdAt,
      expiresAt: expiresIn == null ? null : createdAt + expiresIn,
    }
    await this.base.transact(async (unit) => {
      const others = (await unit.query(KEYS, {})).map(({ value }) => JSON.parse(value) as StoredKey)
      for (const { id } of others.filter(isOver)) await removeKey(unit, id)
      const current = others.filter((other) => !isOver(other))
      if (current.some((other) => other.name === name)) {
        throw conflict('A key of this name exists. Revoke it first, or choose another name.', 'input.name')
      }
      if (current.length >= KEYS_MAX) throw quotaExceeded(`There are ${KEYS_MAX} keys. Revoke one first.`)
      unit.insert({ category: KEYS, name: stored.id, value: JSON.stringify(stored), tags: {} })
      const details = { operatorKeyId: stored.id, scopes: stored.scopes }
      audit(unit, { action: 'OPERATOR_KEY_CREATED', tenantId: null, details })
    })
    this.changed(stored.id)
    return { key, info: { ...infoOf(stored), createdAt, lastUsedAt: null } }
  }

  /** Ends a key at once. @throws CONFLICT for one of the configuration, NOT_FOUND */
  async revoke(keyId: string): Promise<void> {
    if (CONFIGURED.test(keyId)) {
      throw conflict('This key is of OPERATOR_API_KEYS. Take it out there, and start the gateway again.')
    }
    await this.base.transact(async (unit) => {
      if (!(await removeKey(unit, keyId))) throw notFound('operator key')
      audit(unit, { action: 'OPERATOR_KEY_REVOKED', tenantId: null, details: { operatorKeyId: keyId } })
    })
    this.changed(keyId)
  }

  /** Notes when keys were last used, all since the last time at once. */
  async noteUse(): Promise<void> {
    const { uses } = this
    if (uses.size === 0) return
    this.uses = new Map()
    await this.base.transact(async (unit) => {
      for (const [keyId, at] of uses) {
        if (!CONFIGURED.test(keyId) && !(await unit.fetch(KEYS, keyId))) continue
        const entry = { category: USES, name: keyId, value: JSON.stringify(at), tags: {} }
        if (!(await unit.replace(entry))) unit.insert(entry)
      }
    })
  }

  /** Keys have changed: here, or on another instance. */
  forget(): void {
    this.known = undefined
  }

  private changed(keyId: string): void {
    this.forget()
    this.announce(keyId)
    this.onChange(keyId)
  }

  /** The stored keys that hold. A read that a change overtook is not kept: it is forgotten while it is under way. */
  private async current(): Promise<StoredKey[]> {
    const { known, freshFor } = this
    if (!known || (freshFor !== undefined && known.readAt + freshFor < Date.now())) {
      const keys = this.read()
      this.known = { keys, readAt: Date.now() }
      keys.catch(() => this.forget())
    }
    return ((await this.known?.keys) ?? []).filter((key) => !isOver(key))
  }

  private async read(): Promise<StoredKey[]> {
    const keys = (await this.base.query(KEYS, {})).map(({ value }) => JSON.parse(value) as StoredKey)
    return keys.sort((a, b) => a.createdAt - b.createdAt)
  }
}

const now = () => Math.floor(Date.now() / 1000)

const isOver = ({ expiresAt }: StoredKey) => expiresAt !== null && expiresAt <= now()

async function removeKey(unit: Unit, id: string): Promise<boolean> {
  await unit.remove(USES, id)
  return unit.remove(KEYS, id)
}

const infoOf = ({ id, name, scopes, expiresAt }: StoredKey): OperatorKeyInfo => ({ keyId: id, name, scopes, expiresAt })

function configured(number: number): OperatorKeyInfo {
  return { keyId: `config-${number}`, name: `config-${number}`, scopes: ['ALL'], expiresAt: null }
}
