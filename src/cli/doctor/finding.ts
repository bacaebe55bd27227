/** `ok`: as it should be. `warning`: works, and should be looked at. `wrong`: does not work, or will not for long. */
export type State = 'ok' | 'warning' | 'wrong'

/** What `--fix` mends: nothing in it can lose anything. */
export interface Mend {
  does: string
  run: () => Promise<void> | void
}

export interface Finding {
  /** What was looked at, in one word: `store`, `redis` … */
  about: string
  state: State
  says: string
  /** What to do about it. */
  advice?: string
  mend?: Mend
}

/** Gathers what is found. */
export class Findings {
  readonly list: Finding[] = []

  ok(about: string, says: string): void {
    this.list.push({ about, state: 'ok', says })
  }

  warn(about: string, says: string, advice: string, mend?: Mend): void {
    this.list.push({ about, state: 'warning', says, advice, mend })
  }

  wrong(about: string, says: string, advice: string, mend?: Mend): void {
    this.list.push({ about, state: 'wrong', says, advice, mend })
  }
}

/** `1 tenant`, `2 tenants`. */
export const counted = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`

/** The first few of many, by name. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

/** The code of a failure, without its message, which may hold a password. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return String(code ?? name ?? 'no answer')
}

/** `3 minutes`, from milliseconds. */
export function spanOf(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return counted(seconds, 'second')
  if (seconds < 7200) return counted(Math.round(seconds / 60), 'minute')
  return counted(Math.round(seconds / 3600), 'hour')
}

export const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
