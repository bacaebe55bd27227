import { isAbsolute } from 'node:path'

/**
 * A reporter of `node --test` that writes only the sums of all files, as JSON. Suites are no tests, but one that is skipped
 * has some that nobody hears of; and a file without a test in it passes by itself without testing anything.
 */
export default async function* countReporter(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.skip !== undefined || data.todo !== undefined) counts.skipped += 1
    else if (data.details?.type === 'suite') continue
    else if (type === 'test:fail') counts.failed += 1
    else if (!isAbsolute(data.name)) counts.passed += 1
  }
  yield JSON.stringify(counts)
}
