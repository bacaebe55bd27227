import type { Session } from '@openwallet-foundation/askar-shared'
import { OWN_CATEGORY, sizeOf } from './entry.js'
import type { Head } from './head.js'
import { entryFrom, fetchRows, readHead, writeHead } from './rows.js'

/** Whether it is known how much is in a wallet; one that is moving is left as it is. */
export const isCounted = ({ bytes, counts, fence }: Head) =>
  (bytes !== undefined && counts !== undefined) || fence !== undefined

/** Counts what is in a wallet that was written before anything was counted, in a transaction; units go on from there. */
export async function countWallet(session: Session): Promise<void> {
  const before = await readHead(session, true)
  if (isCounted(before)) return
  const head = { ...before, rev: before.rev + 1, bytes: 0, counts: {} as Record<string, number> }
  for (const row of await fetchRows(session, {})) {
    const { category } = row
    if (OWN_CATEGORY.test(category)) continue
    head.bytes += sizeOf(entryFrom(row))
    head.counts[category] = (head.counts[category] ?? 0) + 1
  }
  await writeHead(session, before.rev, head)
}
