/** One quantity of several makers, by a label each. */
export interface Bars {
  title: string
  unit: string
  series: string[]
  rows: { label: string; values: (number | undefined)[] }[]
}

/** One line a series over a logarithmic axis. */
export interface Lines {
  title: string
  unit: string
  xLabel: string
  x: number[]
  series: { name: string; values: (number | undefined)[] }[]
}

const COLORS = ['#0b6e99', '#7fb8d1', '#c9803c']
const [WIDTH, LEFT, RIGHT, TOP] = [760, 250, 70, 64]
const [BAR, GAP] = [13, 12]
const PLOT_HEIGHT = 220

const escaped = (content: string) => content.replace(/&/g, '&amp;').replace(/</g, '&lt;')

const text = (x: number, y: number, content: string, more = '') =>
  `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`

const shown = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))

function page(height: number, title: string, parts: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(16, 24, title, 'font-size="15" font-weight="600"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

const legend = (names: string[]) =>
  names.flatMap((name, index) => [
    `<rect x="${16 + index * 180}" y="36" width="12" height="12" fill="${COLORS[index]}"/>`,
    text(34 + index * 180, 46, name),
  ])

/** Horizontal bars, a group for each row. */
export function barChart({ title, unit, series, rows }: Bars): string {
  const most = Math.max(...rows.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const group = series.length * BAR + GAP
  const parts = rows.flatMap(({ label, values }, row) => {
    const top = TOP + row * group
    const bars = values.flatMap((value, index) => {
      if (value === undefined) return []
      const width = Math.max(1, ((WIDTH - LEFT - RIGHT) * value) / most)
      const y = top + index * BAR
      return [
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLORS[index]}"/>`,
        text(LEFT + width + 5, y + BAR - 3, shown(value), 'font-size="10"'),
      ]
    })
    return [text(LEFT - 8, top + (series.length * BAR) / 2 + 3, label, 'text-anchor="end" font-size="11"'), ...bars]
  })
  return page(TOP + rows.length * group + 8, `${title} (${unit})`, [...legend(series), ...parts])
}

/** Lines from nothing up, over a logarithmic axis. */
export function lineChart({ title, unit, xLabel, x, series }: Lines): string {
  const most = 1.15 * Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const [first, last] = [Math.log10(x[0] as number), Math.log10(x.at(-1) as number)]
  const [left, right, bottom] = [60, WIDTH - 60, TOP + PLOT_HEIGHT]
  const xOf = (value: number) => left + ((right - left) * (Math.log10(value) - first)) / (last - first || 1)
  const yOf = (value: number) => bottom - (PLOT_HEIGHT * value) / most
  const axes = [
    `<path d="M${left} ${TOP}V${bottom}H${right}" fill="none" stroke="#999"/>`,
    ...x.map((value) => text(xOf(value), bottom + 18, value.toLocaleString('en'), 'text-anchor="middle"')),
    text((left + right) / 2, bottom + 36, xLabel, 'text-anchor="middle"'),
  ]
  const lines = series.flatMap(({ values }, index) => {
    const points = values.flatMap((value, at) => (value === undefined ? [] : [[x[at] as number, value] as const]))
    return [
      `<polyline points="${points.map(([at, value]) => `${xOf(at).toFixed(1)},${yOf(value).toFixed(1)}`).join(' ')}" fill="none" stroke="${COLORS[index]}" stroke-width="2"/>`,
      ...points.map(([at, value]) =>
        text(xOf(at), yOf(value) - 7, shown(value), `text-anchor="middle" fill="${COLORS[index]}" font-size="11"`),
      ),
    ]
  })
  return page(bottom + 46, `${title} (${unit})`, [...legend(series.map(({ name }) => name)), ...axes, ...lines])
}
