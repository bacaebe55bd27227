const millisecondsOf: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const bytesOf: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, kB: 1e3, MB: 1e6, GB: 1e9 }

/** A century: beyond it a duration is a slip, and dates would leave what ISO 8601 can write. */
const longestDuration = 36_500 * 86_400_000

/** `30d`, `12h`, `10m`, `5s`, `250ms` → milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const value = measure(text, millisecondsOf)
  return value !== undefined && value >= 1 && value <= longestDuration ? value : undefined
}

/** `1MiB`, `64KiB`, `500kB`, `1000B` or plain bytes → bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const value = measure(/^\d+$/.test(text) ? `${text}B` : text, bytesOf)
  return value !== undefined && value >= 1 && value <= bytesOf['GiB']! ? value : undefined
}

function measure(text: string, units: Record<string, number>): number | undefined {
  const [, number, unit] = /^(\d{1,15})\s?([A-Za-z]+)$/.exec(text) ?? []
  if (number === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined
  return Number(number) * units[unit]!
}
