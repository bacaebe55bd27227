import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AskarBinding, loadAskar, readEntry, readEntryList, shared } from '../src/askar/index.js'

// CPU time (user and system) and wall time of one call through each binding, and RSS kept per call:
//   node --expose-gc dist/bench/askar-binding.js [koffi|nodejs]
// Without a binding it runs itself once for each: a process can load only one.

interface Measured {
  call: string
  binding: AskarBinding
  cpuMicros: number
  wallMicros: number
  rssBytes: number
}

async function measure(binding: AskarBinding, call: string, count: number, work: () => unknown): Promise<Measured> {
  for (let warmUp = 0; warmUp < count / 10; warmUp++) await work()
  globalThis.gc?.()
  const [rss, cpu, start] = [process.memoryUsage.rss(), process.cpuUsage(), performance.now()]
  for (let done = 0; done < count; done++) await work()
  const [{ user, system }, wall] = [process.cpuUsage(cpu), performance.now() - start]
  globalThis.gc?.()
  return {
    call,
    binding,
    cpuMicros: (user + system) / count,
    wallMicros: (wall * 1000) / count,
    rssBytes: (process.memoryUsage.rss() - rss) / count,
  }
}

async function run(binding: AskarBinding): Promise<Measured[]> {
  const askar = await loadAskar({ binding })
  const { Key, KdfMethod, KeyAlgorithm, Store, StoreKeyMethod } = shared
  const folder = mkdtempSync(join(tmpdir(), 'askar-bench-'))
  const uri = `sqlite://${folder}/store.db`
  const keyMethod = new StoreKeyMethod(KdfMethod.Raw)
  const store = await Store.provision({ uri, recreate: true, passKey: Store.generateRawKey(), keyMethod })
  try {
    const key = Key.generate(KeyAlgorithm.Ed25519)
    const localKeyHandle = key.handle
    const message = new Uint8Array(1000)
    const record = { category: 'thing', name: 'one', value: 'x'.repeat(1000), tags: { a: '1', b: '2' } }
    const session = await store.session().open()
    await session.insert(record)
    for (let index = 0; index < 100; index++) await session.insert({ ...record, category: 'many', name: `${index}` })
    const sessionHandle = session.handle
    if (!sessionHandle) throw new Error('The session is closed')
    const { category, name } = record
    let inserted = 0

    const measured = [
      await measure(binding, 'empty call', 20_000, () => askar.keyGetEphemeral({ localKeyHandle })),
      await measure(binding, 'sign 1 kB', 3000, () => key.signMessage({ message })),
      await measure(binding, 'fetch', 3000, () => session.fetch({ category, name })),
      await measure(binding, 'fetch, readEntry', 3000, async () =>
        readEntry(await askar.sessionFetch({ sessionHandle, category, name, forUpdate: false })),
      ),
      await measure(binding, 'fetch 100', 200, () => session.fetchAll({ category: 'many' })),
      await measure(binding, 'fetch 100, readEntryList', 200, async () =>
        readEntryList(await askar.sessionFetchAll({ sessionHandle, category: 'many', forUpdate: false })),
      ),
    ]
    await session.close()
    measured.push(
      await measure(binding, 'insert in a transaction', 500, async () => {
        const transaction = await store.transaction().open()
        await transaction.insert({ ...record, category: 'new', name: `${inserted++}` })
        await transaction.commit()
      }),
    )
    return measured
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function runBoth(): Measured[] {
  const self = fileURLToPath(import.meta.url)
  return (['koffi', 'nodejs'] as const).flatMap(
    (binding) => JSON.parse(execFileSync(process.execPath, ['--expose-gc', self, binding]).toString()) as Measured[],
  )
}

function table(measured: Measured[]): string {
  const cells = ({ call, binding, cpuMicros, wallMicros, rssBytes }: Measured) => [
    call.padEnd(26),
    binding.padEnd(7),
    cpuMicros.toFixed(1).padStart(9),
    wallMicros.toFixed(1).padStart(9),
    rssBytes.toFixed(0).padStart(9),
  ]
  const head = ['call'.padEnd(26), 'binding', 'CPU us'.padStart(9), 'wall us'.padStart(9), 'RSS B'.padStart(9)]
  return [head, ...measured.map(cells)].map((row) => row.join(' ')).join('\n')
}

const [binding] = process.argv.slice(2)
if (binding === 'koffi' || binding === 'nodejs') console.log(JSON.stringify(await run(binding)))
else console.log(table(runBoth()))
