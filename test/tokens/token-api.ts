import { decodeJwt } from 'jose'
import type { ApiClient, EventTap } from '../support/client.js'

export interface MadeToken {
  token: string
  info: { id: string; name: string | null; scopes: string[]; expiresAt: string | null; lastUsedAt: string | null }
}

/** Makes a token, as an operator (with `tenantId`) or as the tenant itself. */
export async function createToken(caller: ApiClient, input: Record<string, unknown>): Promise<MadeToken> {
  const { createTenantToken } = await caller.ask(CREATE_TOKEN, { input })
  return createTenantToken
}

export const CREATE_TOKEN = `mutation($input: CreateTenantTokenInput!) {
  createTenantToken(input: $input) { token info { id name scopes expiresAt lastUsedAt } } }`

export const REVOKE_TOKEN = `mutation($tenantId: ID, $tokenId: ID!) {
  revokeTenantToken(tenantId: $tenantId, tokenId: $tokenId) { revokedTokenId } }`

/** Whether a caller is taken for a tenant; false where its token is refused. */
export async function isHeld(caller: ApiClient): Promise<boolean> {
  const { data, errors } = await caller.send<{ viewer: { role: string } }>('{ viewer { role } }')
  if (errors && errors[0]?.extensions.code !== 'UNAUTHENTICATED') throw new Error(JSON.stringify(errors))
  return data?.viewer?.role === 'TENANT'
}

export const tokenIdOf = (token: string) => decodeJwt(token).jti as string

/** The code with which the gateway closes a stream's socket. */
export async function closeCodeOf(tap: EventTap, timeoutMs?: number): Promise<number> {
  return ((await tap.until(() => tap.ended, timeoutMs)) as { code: number }).code
}
