import assert from 'node:assert/strict'
import type { AcapyAgent } from '../../interop/acapy/agent.js'
import { eventually } from './talk.js'

// biome-ignore lint/suspicious/noExplicitAny: what backchannels and agents answer is read field by field
type Json = any

type HandshakeTopic = 'connection' | 'did-exchange'

/** What the steps of the harness ask of either agent in a handshake. */
export interface HandshakeSide {
  /** @returns the invitation, and what this side knows the connection by */
  invite(topic: HandshakeTopic, data?: object): Promise<{ id: string; invitation: Json }>
  receive(topic: HandshakeTopic, invitation: Json): Promise<string>
  request(topic: HandshakeTopic, id: string): Promise<void>
  respond(topic: HandshakeTopic, id: string): Promise<void>
  ping(id: string): Promise<void>
  stateOf(topic: HandshakeTopic, id: string): Promise<string>
}

/** An agent under test, as the harness drives it: by the HTTP API of its backchannel alone. */
export class BackchannelSide implements HandshakeSide {
  constructor(readonly url: string) {}

  async get(path: string): Promise<Json> {
    return this.ok(await fetch(`${this.url}/agent/${path}`), path)
  }

  /** `POST /agent/command/{topic}/{operation}/` that has to go well. */
  async post(path: string, body: { id?: string; data?: object } = {}): Promise<Json> {
    return this.ok(await this.send(path, body), path)
  }

  /** The status of one that need not. */
  async statusOf(path: string, body: { id?: string; data?: object } = {}): Promise<number> {
    return (await this.send(path, body)).status
  }

  async delete(path: string): Promise<Json> {
    return this.ok(await fetch(`${this.url}/agent/command/${path}`, { method: 'DELETE' }), path)
  }

  async invite(topic: HandshakeTopic, data = {}) {
    if (topic === 'connection') {
      const { connection_id: id, invitation } = await this.post('connection/create-invitation', { data })
      return { id, invitation }
    }
    const { state, invitation } = await this.post('out-of-band/send-invitation-message', {
      data: { use_public_did: false, ...data },
    })
    assert.equal(state, 'invitation-sent')
    const { connection_id: id } = await this.get(`response/did-exchange/${invitation['@id']}`)
    return { id, invitation }
  }

  async receive(topic: HandshakeTopic, invitation: Json): Promise<string> {
    if (topic === 'connection') {
      const { connection_id: id } = await this.post('connection/receive-invitation', { data: invitation })
      assert.equal(await this.stateOf(topic, id), 'invited')
      return id
    }
    const data = { ...invitation, use_existing_connection: false }
    const { connection_id: id, state } = await this.post('out-of-band/receive-invitation', { data })
    assert.equal(state, 'invitation-received')
    return id
  }

  async request(topic: HandshakeTopic, id: string): Promise<void> {
    await this.post(topic === 'connection' ? 'connection/accept-invitation' : 'did-exchange/send-request', { id })
  }

  async respond(topic: HandshakeTopic, id: string): Promise<void> {
    await this.post(topic === 'connection' ? 'connection/accept-request' : 'did-exchange/send-response', { id })
  }

  async ping(id: string): Promise<void> {
    await this.post('connection/send-ping', { id, data: { comment: 'Hello' } })
  }

  async stateOf(topic: string, id: string): Promise<string> {
    return (await this.get(`command/${topic}/${encodeURIComponent(id)}`)).state
  }

  private send(path: string, body: object): Promise<Response> {
    return fetch(`${this.url}/agent/command/${path}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  private async ok(response: Response, path: string): Promise<Json> {
    const text = await response.text()
    assert.equal(response.status, 200, `${path}: ${text}`)
    return JSON.parse(text)
  }
}

/** ACA-Py, which requests and responds by itself. */
export class AcapySide implements HandshakeSide {
  constructor(private readonly agent: AcapyAgent) {}

  async invite(topic: HandshakeTopic) {
    if (topic === 'connection') {
      const made = await this.agent.ask('POST', '/connections/create-invitation?auto_accept=true', {})
      return { id: made.connection_id, invitation: made.invitation }
    }
    const { invitation } = await this.agent.ask('POST', '/out-of-band/create-invitation?auto_accept=true', {
      handshake_protocols: ['https://didcomm.org/didexchange/1.1'],
    })
    const { results } = await this.agent.ask('GET', `/connections?invitation_msg_id=${invitation['@id']}`)
    return { id: results[0].connection_id, invitation }
  }

  async receive(topic: HandshakeTopic, invitation: Json): Promise<string> {
    const path =
      topic === 'connection'
        ? '/connections/receive-invitation?auto_accept=true'
        : '/out-of-band/receive-invitation?auto_accept=true&use_existing_connection=false'
    return (await this.agent.ask('POST', path, invitation)).connection_id
  }

  async request(): Promise<void> {}
  async respond(): Promise<void> {}

  async ping(id: string): Promise<void> {
    await this.agent.ask('POST', `/connections/${id}/send-ping`, {})
  }

  async stateOf(topic: HandshakeTopic, id: string): Promise<string> {
    const { state } = await this.agent.ask('GET', `/connections/${id}`)
    return state === 'active' || state === 'completed' ? (topic === 'connection' ? 'complete' : 'completed') : state
  }
}

/** Waits for a state, as the harness does. */
export async function isIn(
  side: { stateOf(topic: string, id: string): Promise<string> },
  topic: string,
  id: string,
  ...states: string[]
) {
  let state = ''
  await eventually(async () => {
    state = await side.stateOf(topic, id)
    return states.includes(state)
  }).catch(() => assert.ok(states.includes(state), `${topic} ${id} is ${state}, not ${states.join(' or ')}`))
}
