import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  postgresBackends,
  processTree,
  scriptCpuSeconds,
  secondsBetween,
  treeCpuSeconds,
  treeRssMb,
} from '../../bench/processes.js'

const busyThenIdle = `
  const used = () => Object.values(process.cpuUsage()).reduce((sum, part) => sum + part)
  const end = used() + 300_000
  while (used() < end);
  process.stdout.write('done')
  setInterval(() => {}, 1000)`

// The bench reads /proc, so it runs on Linux only.
if (process.platform === 'linux') {
  test('process figures of the bench take in CPU and memory of descendants', async () => {
    const child = spawn('sh', ['-c', `"$0" -e "$1" & wait`, process.execPath, busyThenIdle], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    const pid = child.pid as number
    try {
      await once(child.stdout, 'data')
      assert.equal(processTree(pid).length, 2)
      const cpu = treeCpuSeconds(pid)
      assert.ok(cpu >= 0.2 && cpu < 5, `${cpu} s`)
      const rss = treeRssMb(pid)
      assert.ok(rss > 20 && rss < 500, `${rss} MiB`)
    } finally {
      process.kill(-pid)
    }
  })

  test('process figures of the bench tell what was used by those that run one script', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tenantry-processes-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const script = join(folder, 'busy.js')
    writeFileSync(script, busyThenIdle)
    const before = scriptCpuSeconds(process.pid, '/busy.js')
    const children = [[script], ['-e', busyThenIdle]].map((args) =>
      spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    t.after(() => {
      for (const child of children) child.kill()
    })
    await Promise.all(children.map(({ stdout }) => once(stdout, 'data')))
    const after = scriptCpuSeconds(process.pid, '/busy.js')
    assert.deepEqual([[...before.keys()], [...after.keys()]], [[], [children[0]?.pid]])
    const used = secondsBetween(before, after)
    assert.ok(used >= 0.2 && used < 5, `${used} s`)
    assert.equal(secondsBetween(after, new Map()), 0)
  })

  test('Postgres backends are those of the named database only', () => {
    assert.equal(postgresBackends('tenantry_bench_no_such_database').size, 0)
  })
}
