import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { audit } from '../audit/audit.js'
import { sha256 } from '../lib/ids.js'
import type { Profile } from '../storage/profile.js'

const CATEGORY = '_ticket'
const LIFE_MS = 10 * 60_000
const TAG = 16

const ORDERED = { export: 'TENANT_EXPORT_ORDERED', import: 'TENANT_IMPORT_ORDERED' } as const

export interface Ticket {
  id: string
  expiresAt: Date
}

/**
 * Orders that an operator gives by the API and has carried out by one request of plain HTTP, on any instance. What a
 * ticket holds, such as keys, is sealed by its id, which is in no store: who has the base wallet has not what is in it.
 */
export class Tickets<Order extends object> {
  constructor(
    private readonly base: Profile,
    /** What its tickets are for: one for something else does not hold here. */
    private readonly kind: keyof typeof ORDERED,
  ) {}

  async issue(order: Order): Promise<Ticket> {
    const id = randomBytes(32).toString('base64url')
    const expiresAt = Date.now() + LIFE_MS
    const value = JSON.stringify({ expiresAt, sealed: sealed(id, order) })
    const { tenantId = null } = order as { tenantId?: string }
    await this.base.transact(async (unit) => {
      unit.insert({ category: CATEGORY, name: this.nameOf(id), value, tags: {} })
      audit(unit, { action: ORDERED[this.kind], tenantId })
    })
    return { id, expiresAt: new Date(expiresAt) }
  }

  /** Takes a ticket in: it holds once. @returns undefined for one that is used up, has expired, or never was */
  async redeem(id: string): Promise<Order | undefined> {
    const value = await this.base.transact(async (unit) => {
      const entry = await unit.fetch(CATEGORY, this.nameOf(id))
      if (entry) await unit.remove(CATEGORY, entry.name)
      return entry?.value
    })
    if (value === undefined) return undefined
    const { expiresAt, sealed } = JSON.parse(value) as { expiresAt: number; sealed: string }
    return expiresAt > Date.now() ? opened<Order>(id, sealed) : undefined
  }

  private nameOf(id: string): string {
    return sha256(`${this.kind} ${id}`).toString('base64url')
  }
}

/** Removes all tickets, of whatever kind, that nobody came with in time. */
export async function trimTickets(base: Profile): Promise<void> {
  const old = (await base.query(CATEGORY, {})).filter(({ value }) => JSON.parse(value).expiresAt <= Date.now())
  if (old.length === 0) return
  await base.transact(async (unit) => {
    for (const { name } of old) await unit.remove(CATEGORY, name)
  })
}

/** Each key seals one text only. */
const keyOf = (id: string) => new Uint8Array(hkdfSync('sha256', id, '', 'tenantry ticket', 32))
const NONCE = Buffer.alloc(12)

function sealed(id: string, order: object): string {
  const cipher = createCipheriv('aes-256-gcm', keyOf(id), NONCE)
  return Buffer.concat([cipher.update(JSON.stringify(order)), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

function opened<Order>(id: string, text: string): Order {
  const bytes = Buffer.from(text, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', keyOf(id), NONCE, { authTagLength: TAG })
  decipher.setAuthTag(bytes.subarray(-TAG))
  return JSON.parse(`${Buffer.concat([decipher.update(bytes.subarray(0, -TAG)), decipher.final()])}`) as Order
}
