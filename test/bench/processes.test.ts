import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { postgresBackends, processTree, treeCpuSeconds, treeRssMb } from '../../bench/processes.js'

const busyThenIdle = `
  const end = performance.now() + 300
  while (performance.now() < end);
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

  test('Postgres backends are those of the named database only', () => {
    assert.equal(postgresBackends('tenantry_bench_no_such_database').size, 0)
  })
}
