import { z } from 'zod'

/** Networks of ledgers: a JSON list, in which each has a namespace of its own. */
export function networkList<T extends { namespace: string }>(network: z.ZodType<T>, advice: string) {
  return z.string().transform((value, context): readonly Readonly<T>[] => {
    const { success, data, error } = z.array(network, advice).safeParse(parseJson(value))
    const problem = success ? twice(data) : lineOf(error.issues[0], advice)
    if (success && problem === undefined) return Object.freeze(data.map((one) => Object.freeze(one)))
    context.addIssue({ code: 'custom', message: problem ?? advice })
    return z.NEVER
  })
}

function lineOf(issue: z.core.$ZodIssue | undefined, advice: string): string {
  const [index] = issue?.path ?? []
  return index === undefined ? advice : `network ${Number(index) + 1}: ${issue?.message}`
}

function twice(networks: readonly { namespace: string }[]): string | undefined {
  const names = networks.map(({ namespace }) => namespace)
  const again = names.findIndex((name, index) => names.indexOf(name) !== index)
  return again < 0 ? undefined : `network ${again + 1}: its namespace is given twice`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
