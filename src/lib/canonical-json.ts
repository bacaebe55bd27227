/** A value of JSON in its canonical form (JCS, RFC 8785). What is undefined in an object is not there. */
export function canonicalize(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) {
    // Status lists have a number for each credential.
    if (value.every((item) => typeof item !== 'object')) return JSON.stringify(value)
    return `[${value.map((item) => canonicalize(item ?? null)).join(',')}]`
  }
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${canonicalize(item)}`).join(',')}}`
}
