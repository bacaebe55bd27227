import { Command } from 'commander'
import { loadAskar } from '../askar/index.js'
import { checkSecrets } from '../config/secrets.js'
import type { Finding, State } from './doctor/finding.js'
import { addSettingsOptions, settingsOf } from './settings-options.js'

const SIGNS: Record<State, string> = { ok: '✓', warning: '!', wrong: '✗' }

/** `tenantry doctor`: whether all is as it should be, and what to do where it is not. Changes nothing without `--fix`. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('look for what is wrong, and say what to do; gateways may run meanwhile')
    .option('--fix', 'mend what can be mended without losing anything')
    .option('--all', 'look into every wallet, also where there are more than a thousand')
    .option('--json', 'print what was found as JSON')
  return addSettingsOptions(command).action(() => doctor(command))
}

async function doctor(command: Command): Promise<void> {
  const { raw, config, warnings } = settingsOf(command)
  const { all = false, fix, json } = command.opts<{ all?: true; fix?: true; json?: true }>()
  checkSecrets(raw, config)
  await loadAskar({ binding: config.askarBinding })
  const { examine } = await import('./doctor/examine.js')
  const { found, close } = await examine(raw, config, { all })
  try {
    for (const warning of warnings) found.warn('settings', warning, 'See docs/configuration.md.')
    const findings = found.list
    const mended = new Set<Finding>()
    for (const finding of fix ? findings : []) {
      if (!finding.mend) continue
      await finding.mend.run()
      mended.add(finding)
    }
    const left = (state: State) => findings.filter((finding) => finding.state === state && !mended.has(finding)).length
    if (json) printJson(findings, mended)
    else printLines(findings, mended, left)
    if (left('wrong') > 0) process.exitCode = 1
  } finally {
    await close()
  }
}

function printJson(findings: Finding[], mended: Set<Finding>): void {
  const list = findings.map((finding) => {
    const { about, state, says, advice, mend } = finding
    return { about, state, says, advice, fixable: mend !== undefined, fixed: mended.has(finding) }
  })
  print(JSON.stringify(list, null, 2))
}

function printLines(findings: Finding[], mended: Set<Finding>, left: (state: State) => number): void {
  for (const finding of findings) {
    const { about, state, says, advice, mend } = finding
    print(`${SIGNS[state]} ${about}: ${says}`)
    if (mended.has(finding)) print(`  → Mended: ${mend?.does}`)
    else if (advice) print(`  → ${advice}${mend ? ' Or run this with --fix.' : ''}`)
  }
  const [wrong, warnings] = [left('wrong'), left('warning')]
  if (wrong + warnings === 0) return void print('All is well.')
  print(`${wrong} wrong, ${warnings} to be looked at.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
