import { PEERS } from './pairs.js'
import { SCENARIOS } from './scenarios.js'

/** Of each peer, by its name, what became of each scenario that was tried, by its title. */
export type Results = Map<string, Map<string, boolean>>

const BEGIN = '<!-- The table is written by a run of the tests: npm run interop -->'
const PASSES = 'passes'
const UNTRIED = 'not tried'

/** Puts what a run has shown into the page; cells of what was not tried stay as they are. */
export function writeMatrix(page: string, results: Results): string {
  const [before = ''] = page.split(BEGIN)
  const rest = page
    .slice(page.indexOf(BEGIN) + BEGIN.length)
    .replace(/^\n+(?:\|.*\n)+/, '')
    .replace(/^\n+/, '\n')
  const known = readMatrix(page)
  const rows = SCENARIOS.map(({ title, limits }) => [
    title,
    ...PEERS.map(({ name }) => {
      const passed = results.get(name)?.get(title)
      if (limits?.[name]) return limits[name]
      return passed === undefined ? (known.get(name)?.get(title) ?? UNTRIED) : passed ? PASSES : 'FAILS'
    }),
  ])
  const head = ['', ...PEERS.map(({ name }) => name)]
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${before}${BEGIN}\n\n${lines.join('\n')}\n${rest}`
}

/** The page's cells, by peer and scenario. */
export function readMatrix(page: string): Map<string, Map<string, string>> {
  const [table = ''] = /(?:^\|.*\n)+/m.exec(page.slice(page.indexOf(BEGIN))) ?? []
  const [head = '', , ...rows] = table.trimEnd().split('\n')
  const cellsOf = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  const [, ...names] = cellsOf(head)
  const parsed = rows.map(cellsOf)
  return new Map(
    names.map((name, index) => [name, new Map(parsed.map((cells) => [cells[0] ?? '', cells[index + 1] ?? '']))]),
  )
}

/** What is wrong with the page: it has to have every peer and scenario, each passing or with the peer's limit. */
export function faultsOf(page: string, results: Results): string[] {
  const cells = readMatrix(page)
  const names = PEERS.map(({ name }) => name)
  if ([...cells.keys()].join() !== names.join()) return ['The peers of the matrix are not those of interop/pairs.ts']
  return names.flatMap((name) => {
    const column = cells.get(name) ?? new Map<string, string>()
    const titles = SCENARIOS.map(({ title }) => title)
    if ([...column.keys()].join() !== titles.join())
      return [`${name}: the scenarios are not those of interop/scenarios.ts`]
    return SCENARIOS.flatMap(({ title, limits }) => {
      const passed = results.get(name)?.get(title)
      const expected = limits?.[name] ?? PASSES
      if (column.get(title) === expected && passed !== false) return []
      return [`${name}, ${title}: the matrix says ${column.get(title)}, the run ${passed ?? 'nothing'}`]
    })
  })
}
