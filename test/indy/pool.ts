import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Operation } from '../../src/indy/index.js'
import { base58Encode } from '../../src/lib/base58.js'
import { pythonWith } from '../support/python.js'

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** A request as it comes to a node. */
export interface PoolRequest {
  operation: Operation
  identifier: string
  reqId: number
  protocolVersion: number
  signature?: string
  taaAcceptance?: { taaDigest: string; mechanism: string; time: number }
}

/** What a node says where it takes no request: for what it is in itself (REQNACK), or for what the ledger has (REJECT). */
export class Refusal {
  constructor(
    readonly op: 'REQNACK' | 'REJECT',
    readonly reason: string,
  ) {}
}

/** What a node answers to a request; undefined: nothing. */
export type Answer = (
  operation: Operation,
  node: number,
  request: PoolRequest,
) => Record<string, unknown> | Refusal | undefined

/**
 * An Indy pool as clients see it: nodes that speak ZeroMQ with CurveZMQ on real sockets, each with keys of its own, and
 * answer as indy-node does, without state proofs. There is no ledger behind them, but `answer`.
 */
export class TestPool {
  /** What came in, at all nodes. */
  readonly asked: Operation[] = []

  private constructor(
    private readonly process: ChildProcess,
    readonly genesis: string,
    answer: Answer,
    lines: AsyncIterator<string>,
  ) {
    void this.serve(answer, lines)
  }

  static async open(answer: Answer, size = 4): Promise<TestPool> {
    const nodes = Array.from({ length: size }, makeNode)
    const python = await pythonWith(fileOf('./requirements.txt'))
    const process = spawn(python, [fileOf('./sockets.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    process.stdin.write(`${JSON.stringify(nodes.map(({ secret, open }) => ({ secret, public: open })))}\n`)
    const { value } = await lines.next()
    const ports = JSON.parse(value as string) as number[]
    const genesis = nodes.map(({ dest }, index) => genesisLine(dest, ports[index] as number, index)).join('\n')
    return new TestPool(process, genesis, answer, lines)
  }

  async close(): Promise<void> {
    const ended = once(this.process, 'exit')
    this.process.stdin?.end()
    await ended
  }

  private async serve(answer: Answer, lines: AsyncIterator<string>): Promise<void> {
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const { node, peer, body } = JSON.parse(line.value) as { node: number; peer: string; body: string }
      const send = (message: object) =>
        this.process.stdin?.write(`${JSON.stringify({ node, peer, body: JSON.stringify(message) })}\n`)
      const request = JSON.parse(body) as PoolRequest & { op?: string }
      // Every node has the pool's transactions that the client has.
      if (request.op === 'LEDGER_STATUS') send(request)
      if (!request.operation) continue
      this.asked.push(request.operation)
      const { reqId, identifier, operation } = request
      const result = answer(operation, node, request)
      if (!result) continue
      if (result instanceof Refusal) {
        send({ op: result.op, identifier, reqId, reason: result.reason })
        continue
      }
      send({ op: 'REQACK', identifier, reqId })
      send({ op: 'REPLY', result: { ...operation, identifier, reqId, ...result } })
    }
  }
}

/** A node's signing key, which the genesis names, and the keys of its sockets, which follow from it. */
function makeNode() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  const scalar = createHash('sha512').update(seed).digest().subarray(0, 32)
  scalar[0]! &= 248
  scalar[31] = (scalar[31]! & 127) | 64
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar])
  const agreement = createPublicKey(createPrivateKey({ format: 'der', type: 'pkcs8', key: der }))
  return {
    dest: base58Encode(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')),
    secret: z85(scalar),
    open: z85(Buffer.from(agreement.export({ format: 'jwk' }).x ?? '', 'base64url')),
  }
}

function genesisLine(dest: string, port: number, index: number): string {
  const [alias, ip] = [`Node${index + 1}`, '127.0.0.1']
  const data = { alias, client_ip: ip, client_port: port, node_ip: ip, node_port: port, services: ['VALIDATOR'] }
  return JSON.stringify({
    reqSignature: {},
    txn: { data: { data, dest }, metadata: { from: 'Th7MpTaRZVRYnPiabds81Y' }, type: '0' },
    txnMetadata: { seqNo: index + 1, txnId: `${index + 1}` },
    ver: '1',
  })
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

/** ZeroMQ RFC 32. */
function z85(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) {
    const value = bytes.readUInt32BE(at)
    for (const power of [85 ** 4, 85 ** 3, 85 ** 2, 85, 1]) text += Z85[Math.floor(value / power) % 85]
  }
  return text
}
