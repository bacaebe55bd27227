import type { ApiClient, TestTenant } from './client.js'

/** Makes an invitation. @returns its id, and the message to hand over */
export async function invite(inviter: TestTenant): Promise<{ id: string; message: unknown }> {
  const { createInvitation } = await inviter.client.ask(
    'mutation { createInvitation(input: {}) { invitation { id message } } }',
  )
  return createInvitation.invitation
}

/** Receives an invitation. @returns the id of the connection */
export async function receive(invitee: TestTenant, message: unknown): Promise<string> {
  const { receiveInvitation } = await invitee.client.ask(
    'mutation($message: JSON!) { receiveInvitation(input: {message: $message}) { connection { id } } }',
    { message },
  )
  return receiveInvitation.connection.id
}

/** Sends a basic message; resolves once it is accepted. */
export async function say(client: ApiClient, connectionId: string, content: string): Promise<void> {
  await client.ask(
    `mutation($connectionId: ID!, $content: String!) {
      sendBasicMessage(input: {connectionId: $connectionId, content: $content}) { message { id } } }`,
    { connectionId, content },
  )
}

/** Runs `work` for 0 … count-1, at most `atOnce` of them at a time. */
export async function atOnce<T>(count: number, limit: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(limit, count) }, async () => {
      while (next < count) {
        const index = next++
        results[index] = await work(index)
      }
    }),
  )
  return results
}

/** Asks until the answer is something else than undefined or false. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (let failure: unknown; ; ) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
      failure = undefined
    } catch (error) {
      failure = error
    }
    if (Date.now() > deadline) throw new Error(`Not so within ${timeoutMs} ms`, { cause: failure })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
